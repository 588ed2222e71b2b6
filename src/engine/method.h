// What stands around an engine method: a method is a member function from a typed request to a typed response, and
// Method / ListMethod turn it into a route that fills the request from path, query and body, pages and filters lists,
// and writes the response. Failures are headrace::Error; the server writes their bodies.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/fields.h"
#include "http/router.h"

namespace headrace::engine {

// Path variables, query parameters (but for the ones every Google API takes) and the body as one JSON object. The body
// goes under `body_field`, or is merged in with "*"; "" means that the method takes none.
Json RequestJson(const http::Request& request, const std::string& body_field);

// Keeps the items that satisfy a filter of the form "state=FAILED AND labels.team=x AND jobId:prefix" (field paths of
// the items' JSON; '=' equals, '!=' differs, ':' contains). Throws InvalidArgument on another form.
void ApplyFilter(const std::string& filter, std::vector<Json>* items);

// {field: items, "nextPageToken": ...}: the page that the query's pageSize and pageToken ask for.
Json Paginate(const std::string& field, const std::vector<Json>& items, const http::Request& request);

template <class Service, class Request, class Response>
http::Route Method(const std::string& verb, const std::string& path, Service* service,
                   Response (Service::*method)(const Request&), const std::string& body_field = "") {
  return http::Route::Sync(verb, path, [=](http::Request& request) {
    const Response response = (service->*method)(FromJson<Request>(RequestJson(request, body_field)));
    return http::Response::Json(ToJson(response).dump());
  });
}

template <class Service, class Request, class Item>
http::Route ListMethod(const std::string& path, const std::string& field, Service* service,
                       std::vector<Item> (Service::*method)(const Request&)) {
  return http::Route::Sync("GET", path, [=](http::Request& request) {
    const std::string filter = request.Query("filter");
    http::Request bare = request;
    for (const char* name : {"filter", "pageSize", "pageToken", "returnPartialSuccess"}) bare.query.erase(name);
    std::vector<Json> items;
    for (const Item& item : (service->*method)(FromJson<Request>(RequestJson(bare, "")))) items.push_back(ToJson(item));
    ApplyFilter(filter, &items);
    return http::Response::Json(Paginate(field, items, request).dump());
  });
}

}  // namespace headrace::engine
