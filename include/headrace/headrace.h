// All of Headrace's public API. The namespace alias is `hr`.
#pragma once

#include "headrace/error.h"
#include "headrace/file_system.h"
#include "headrace/graph.h"
#include "headrace/op.h"
#include "headrace/session.h"
#include "headrace/tensor.h"
