// Path templates, percent-encoding and errors of the router.
#include "http/router.h"

#include <gtest/gtest.h>

#include "http/url.h"

namespace headrace::http {
namespace {

Router MakeRouter(const std::vector<std::pair<std::string, std::string>>& routes) {
  Router router;
  for (const auto& [method, path] : routes) router.Add(Route::Sync(method, path, [](Request&) { return Response(); }));
  return router;
}

Request Get(const std::string& target, const std::string& method = "GET") {
  Request request;
  request.method = method;
  request.target = target;
  return request;
}

Code FailureOf(const Router& router, Request request) {
  try {
    router.Match(request);
  } catch (const Error& error) {
    return error.code();
  }
  return Code::kOk;
}

TEST(Router, TakesVariablesOfManySegments) {
  const Router router =
      MakeRouter({{"GET", "/v1/{name=projects/*/models/*/versions/*}"}, {"GET", "/v1/{name=projects/*}"}});
  Request request = Get("/v1/projects/p/models/m/versions/v1?a=b%20c&n=1+2");
  EXPECT_EQ(router.Match(request).path, "/v1/{name=projects/*/models/*/versions/*}");
  EXPECT_EQ(request.path_params.at("name"), "projects/p/models/m/versions/v1");
  EXPECT_EQ(request.Query("a"), "b c");
  EXPECT_EQ(request.Query("n"), "1 2");
  EXPECT_EQ(request.Query("absent", "d"), "d");
}

TEST(Router, SeparatesTheVerb) {
  const Router router = MakeRouter({{"POST", "/v1/{name=projects/**}:predict"}, {"POST", "/v1/{name=projects/**}"}});
  Request request = Get("/v1/projects/p/models/m:predict", "POST");
  EXPECT_EQ(router.Match(request).path, "/v1/{name=projects/**}:predict");
  EXPECT_EQ(request.path_params.at("name"), "projects/p/models/m");
  Request other = Get("/v1/projects/p/models/m:explain", "POST");
  EXPECT_EQ(router.Match(other).path, "/v1/{name=projects/**}");
}

TEST(Router, KeepsAnEncodedSlashInsideItsSegment) {
  const Router router = MakeRouter({{"GET", "/storage/v1/b/{bucket}/o/{object}"}});
  Request request = Get("/storage/v1/b/lab/o/a%2Fb%20c.csv");
  router.Match(request);
  EXPECT_EQ(request.path_params.at("bucket"), "lab");
  EXPECT_EQ(request.path_params.at("object"), "a/b c.csv");
  EXPECT_EQ(FailureOf(router, Get("/storage/v1/b/lab/o/a/b")), Code::kNotFound);
}

TEST(Router, TellsAWrongMethodFromAWrongPath) {
  const Router router = MakeRouter({{"GET", "/v1/{name=projects/*}"}});
  EXPECT_EQ(FailureOf(router, Get("/v1/projects/p", "DELETE")), Code::kUnimplemented);
  EXPECT_EQ(FailureOf(router, Get("/v2/projects/p")), Code::kNotFound);
  EXPECT_EQ(FailureOf(router, Get("/v1/projects/")), Code::kNotFound);
  EXPECT_EQ(FailureOf(router, Get("")), Code::kNotFound);
  EXPECT_EQ(FailureOf(router, Get("/v1/projects/p", "HEAD")), Code::kOk);
}

TEST(Router, RefusesMalformedTemplates) {
  Router router;
  for (const char* path : {"v1/x", "/v1/{name", "/v1/{a=**}/b", "/v1/{a}b"}) {
    EXPECT_THROW(router.Add(Route::Sync("GET", path, [](Request&) { return Response(); })), Error) << path;
  }
}

TEST(Url, DecodesWhatItEncodes) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(PercentDecode(PercentEncode(all)), all);
  EXPECT_EQ(PercentEncode("a/b c", true), "a/b%20c");
  EXPECT_THROW(PercentDecode("100%"), Error);
  EXPECT_THROW(PercentDecode("%4"), Error);
  EXPECT_THROW(PercentDecode("%zz"), Error);
  EXPECT_EQ(PercentDecode("%41"), "A");
}

TEST(Url, ParsesEndpoints) {
  EXPECT_EQ(Endpoint::Parse("http://127.0.0.1:8787/v1").port, 8787);
  EXPECT_EQ(Endpoint::Parse("http://host").port, 80);
  EXPECT_EQ(Endpoint::Parse("unix:/tmp/s").unix_path, "/tmp/s");
  for (const char* url : {"https://h", "http://", "http://h:x", "http://h:99999", "unix:"}) {
    EXPECT_THROW(Endpoint::Parse(url), Error) << url;
  }
}

}  // namespace
}  // namespace headrace::http
