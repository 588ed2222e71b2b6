// Protocol buffers to and from bytes.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>

#include <string>
#include <string_view>

#include "headrace/error.h"

namespace headrace {

// Equal messages give equal bytes: maps are sorted, which protobuf otherwise does not promise.
inline std::string ToBytes(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

// `what` names the kind of message in the error: InvalidArgument.
template <class Message>
Message FromBytes(std::string_view bytes, const char* what) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw InvalidArgument("expected a serialized ", what, ", got ", bytes.size(), " other bytes");
  }
  return message;
}

}  // namespace headrace
