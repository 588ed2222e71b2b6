// Base64 with the standard alphabet; decoding also takes the URL-safe one and absent padding, as clients send both.
#pragma once

#include <string>
#include <string_view>

namespace headrace {

std::string EncodeBase64(std::string_view bytes);
// Errors: InvalidArgument for a character that is none of base64's.
std::string DecodeBase64(std::string_view text);

}  // namespace headrace
