# Writes TO: the .proto file FROM under the package headrace.wire, its imports of our own files with it.
file(READ ${FROM} text)
string(REPLACE "package tensorflow;" "package headrace.wire;" text "${text}")
string(REGEX REPLACE "import \"([a-z_]+\\.proto)\"" "import \"wire/\\1\"" text "${text}")
file(WRITE ${TO} "${text}")
