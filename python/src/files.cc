// What tf.gfile needs of the file systems.
#include <nanobind/nanobind.h>
#include <nanobind/stl/unique_ptr.h>

#include "bind.h"
#include "casters.h"
#include "headrace/file_system.h"

namespace headrace::python {
namespace {

// A file being read: an offset over positional reads.
class Reader {
 public:
  explicit Reader(const std::string& path) : file_(FileSystemFor(path).OpenForReading(path)) {}

  nb::bytes Read(int64_t n) {
    if (n < 0) n = std::max<int64_t>(0, file_->Size() - offset_);
    std::string bytes(static_cast<size_t>(n), '\0');
    size_t got = 0;
    {
      nb::gil_scoped_release release;
      got = file_->Read(offset_, bytes.data(), bytes.size());
    }
    offset_ += static_cast<int64_t>(got);
    return nb::bytes(bytes.data(), got);
  }
  nb::bytes ReadLine() {
    std::string line;
    char block[4096];
    for (;;) {
      size_t got = file_->Read(offset_, block, sizeof(block));
      size_t newline = std::string_view(block, got).find('\n');
      size_t take = newline == std::string_view::npos ? got : newline + 1;
      line.append(block, take);
      offset_ += static_cast<int64_t>(take);
      if (got == 0 || newline != std::string_view::npos) break;
    }
    return nb::bytes(line.data(), line.size());
  }
  int64_t offset() const { return offset_; }
  void Seek(int64_t offset) { offset_ = offset; }
  int64_t size() const { return file_->Size(); }

 private:
  std::unique_ptr<RandomAccessFile> file_;
  int64_t offset_ = 0;
};

}  // namespace

void BindFiles(nb::module_& m) {
  nb::class_<FileStat>(m, "FileStat")
      .def_ro("length", &FileStat::size)
      .def_ro("mtime_nsec", &FileStat::modified_nanoseconds)
      .def_ro("is_directory", &FileStat::is_directory);
  nb::class_<Reader>(m, "FileReader")
      .def(nb::init<const std::string&>())
      .def("read", &Reader::Read)
      .def("readline", &Reader::ReadLine)
      .def("tell", &Reader::offset)
      .def("seek", &Reader::Seek)
      .def("size", &Reader::size);
  nb::class_<WritableFile>(m, "FileWriter")
      .def("write",
           [](WritableFile& file, nb::bytes bytes) {
             file.Append({bytes.c_str(), bytes.size()});
           })
      .def("flush", &WritableFile::Flush)
      .def("close", &WritableFile::Close);
  m.def("open_for_writing",
        [](const std::string& path, bool append) { return FileSystemFor(path).OpenForWriting(path, append); });
  m.def("file_exists", &FileExists);
  m.def("is_directory", &IsDirectory);
  m.def("list_directory", [](const std::string& path) { return FileSystemFor(path).List(path); });
  m.def("make_dirs", &MakeDirs);
  m.def("match_files", &MatchFiles);
  m.def("remove_file", [](const std::string& path) { FileSystemFor(path).Remove(path); });
  m.def("remove_tree", &RemoveTree);
  m.def("rename_file", [](const std::string& from, const std::string& to) { FileSystemFor(from).Rename(from, to); });
  m.def("copy_file", &CopyFile, nb::call_guard<nb::gil_scoped_release>());
  m.def("stat_file", [](const std::string& path) { return FileSystemFor(path).Stat(path); });
}

}  // namespace headrace::python
