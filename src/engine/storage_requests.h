// Reading the parts of storage v1 requests.
#pragma once

#include <string>
#include <string_view>

#include "engine/object_store.h"
#include "http/message.h"

namespace headrace::engine {

Preconditions PreconditionsOf(const http::Request& request);
int64_t ParseInteger(std::string_view text, std::string_view what);  // at least 0; throws InvalidArgument
Json BodyOf(const http::Request& request);                           // an object; {} when there is no body
std::string StringField(const Json& body, const char* name);         // "" when absent
ObjectAttributes AttributesOf(const Json& body);

}  // namespace headrace::engine
