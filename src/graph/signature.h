// Matching a node's inputs and attributes with its op's declaration.
#pragma once

#include <vector>

#include "headrace/op.h"

namespace headrace {

// The dtypes of an argument's tensors, given the node's attributes. Errors: InvalidArgument if an attribute is absent.
std::vector<DType> ArgDTypes(const OpArg& arg, const AttrMap& attrs, const OpDef& op);

// Fills in the defaults of absent attributes and checks those given against the declaration. `where` names the node.
// Errors: InvalidArgument.
void CompleteAttrs(const OpDef& op, AttrMap* attrs, const std::string& where);

// Sets the type, type-list and number attributes that the arguments determine (those already given must agree) and
// returns the flat list of inputs. Errors: InvalidArgument.
std::vector<Output> MatchArguments(const OpDef& op, const std::vector<OpArgument>& arguments, AttrMap* attrs,
                                   const std::string& where);

}  // namespace headrace
