// NumPy's C interface is used directly, because feeding and fetching are on the path of every Session.run.
#include "value.h"

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace headrace::python {
namespace {

constexpr size_t kCopyBelow = 4096;  // bytes; a small result is cheaper to copy than to share

int ImportArrays() {
  import_array1(-1);
  return 0;
}

int NumpyType(DType dtype) {
  switch (dtype) {
    case DType::kFloat:
      return NPY_FLOAT32;
    case DType::kDouble:
      return NPY_FLOAT64;
    case DType::kInt32:
      return NPY_INT32;
    case DType::kInt64:
      return NPY_INT64;
    case DType::kUInt8:
      return NPY_UINT8;
    case DType::kInt8:
      return NPY_INT8;
    case DType::kInt16:
      return NPY_INT16;
    case DType::kUInt16:
      return NPY_UINT16;
    case DType::kUInt32:
      return NPY_UINT32;
    case DType::kUInt64:
      return NPY_UINT64;
    case DType::kBool:
      return NPY_BOOL;
    case DType::kHalf:
      return NPY_FLOAT16;
    case DType::kComplex64:
      return NPY_COMPLEX64;
    case DType::kComplex128:
      return NPY_COMPLEX128;
    case DType::kString:
      return NPY_OBJECT;
    case DType::kBFloat16:
      return NPY_UINT16;  // the bits; NumPy has no such type
    default:
      throw nb::type_error(internal::Concat("a ", dtype, " has no NumPy form").c_str());
  }
}

DType FromNumpyType(PyArrayObject* array) {
  switch (PyArray_TYPE(array)) {
    case NPY_FLOAT32:
      return DType::kFloat;
    case NPY_FLOAT64:
      return DType::kDouble;
    case NPY_FLOAT16:
      return DType::kHalf;
    case NPY_COMPLEX64:
      return DType::kComplex64;
    case NPY_COMPLEX128:
      return DType::kComplex128;
    case NPY_BOOL:
      return DType::kBool;
    case NPY_OBJECT:
    case NPY_STRING:
    case NPY_UNICODE:
      return DType::kString;
    default:
      break;
  }
  if (PyArray_ISINTEGER(array)) {
    bool is_signed = PyArray_ISSIGNED(array);
    switch (PyArray_ITEMSIZE(array)) {
      case 1:
        return is_signed ? DType::kInt8 : DType::kUInt8;
      case 2:
        return is_signed ? DType::kInt16 : DType::kUInt16;
      case 4:
        return is_signed ? DType::kInt32 : DType::kUInt32;
      default:
        return is_signed ? DType::kInt64 : DType::kUInt64;
    }
  }
  nb::object description = nb::borrow(reinterpret_cast<PyObject*>(PyArray_DESCR(array)));
  throw nb::type_error(internal::Concat("NumPy type ", nb::str(description).c_str(), " has no tensor form").c_str());
}

std::string BytesOf(PyObject* item) {
  if (PyBytes_Check(item)) return {PyBytes_AS_STRING(item), static_cast<size_t>(PyBytes_GET_SIZE(item))};
  if (PyUnicode_Check(item)) {
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(item, &size);
    if (!text) nb::raise_python_error();
    return {text, static_cast<size_t>(size)};
  }
  nb::str repr = nb::steal<nb::str>(PyObject_Repr(item));
  throw nb::type_error(
      internal::Concat("Expected string, got ", repr.c_str(), " of type '", Py_TYPE(item)->tp_name, "' instead.")
          .c_str());
}

Shape ShapeOf(PyArrayObject* array) {
  Shape shape;
  for (int i = 0; i < PyArray_NDIM(array); ++i) shape.Append(PyArray_DIM(array, i));
  return shape;
}

std::string Repr(nb::handle value) {
  nb::str repr = nb::steal<nb::str>(PyObject_Repr(value.ptr()));
  if (!repr.is_valid()) nb::raise_python_error();
  return repr.c_str();
}

[[noreturn]] void FailRagged(nb::handle value) {
  throw nb::value_error(internal::Concat("Argument must be a dense tensor: ", Repr(value),
                                         " has lists of different lengths side by side.")
                            .c_str());
}

// np.array(value, dtype): nested lists element by element, so that numbers that do not fit are OverflowErrors; arrays
// of another type or byte order are cast.
nb::object AsArray(nb::handle value, int type = NPY_NOTYPE) {
  PyArray_Descr* description = type == NPY_NOTYPE ? nullptr : PyArray_DescrFromType(type);
  constexpr int kFlags =
      NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_FORCECAST | NPY_ARRAY_ENSUREARRAY;
  PyObject* array = PyArray_CheckFromAny(value.ptr(), description, 0, 0, kFlags, nullptr);
  if (array) return nb::steal(array);
  nb::python_error error;
  const bool is_list = PyList_Check(value.ptr()) || PyTuple_Check(value.ptr());
  if (is_list && error.matches(PyExc_ValueError) && std::strstr(error.what(), "sequence")) FailRagged(value);
  throw error;
}

Tensor StringsOf(nb::handle value) {
  nb::object objects = AsArray(value, NPY_OBJECT);
  auto* array = reinterpret_cast<PyArrayObject*>(objects.ptr());
  Tensor result(DType::kString, ShapeOf(array));
  auto items = static_cast<PyObject**>(PyArray_DATA(array));
  for (int64_t i = 0; i < result.num_elements(); ++i) result.data<std::string>()[i] = BytesOf(items[i]);
  return result;
}

Tensor CopyOf(PyArrayObject* array, DType dtype) {
  Tensor result(dtype, ShapeOf(array));
  if (result.num_elements() > 0) std::memcpy(result.raw(), PyArray_DATA(array), result.bytes());
  return result;
}

bool IsList(PyObject* value) {
  return PyList_Check(value) || PyTuple_Check(value);
}

// The first thing in a nested list that is not a list and for which f holds; null if there is none.
template <class F>
PyObject* FindLeaf(PyObject* value, const F& f) {
  if (!IsList(value)) return f(value) ? value : nullptr;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); ++i) {
    if (PyObject* found = FindLeaf(PySequence_Fast_GET_ITEM(value, i), f)) return found;
  }
  return nullptr;
}

bool IsText(PyObject* value) {
  return PyBytes_Check(value) || PyUnicode_Check(value);
}
bool IsNumpy(PyObject* value) {
  return PyArray_Check(value) || PyArray_CheckScalar(value);
}
// NumPy's and what gives its values as such: pandas' Series and frames, arrays of other libraries. They keep their
// type.
bool GivesArray(PyObject* value) {
  return IsNumpy(value) || (!PyType_Check(value) && PyObject_HasAttrString(value, "__array__"));
}

// Whether 1.15 takes a Python value as an element of `wanted`: no text for numbers, no fractions for integers, no
// numbers for bool or string. NumPy's scalars and what converts itself count by what they convert to.
bool Suits(PyObject* leaf, DType wanted) {
  if (wanted == DType::kString) return IsText(leaf);
  if (IsText(leaf) || leaf == Py_None) return false;
  if (wanted == DType::kBool) return PyBool_Check(leaf) || PyArray_IsScalar(leaf, Bool) || PyArray_Check(leaf);
  if (IsInteger(wanted)) return PyIndex_Check(leaf) != 0 || PyArray_IsScalar(leaf, Bool) || PyArray_Check(leaf);
  if (IsFloating(wanted)) return !PyComplex_Check(leaf) || PyArray_Check(leaf);
  return true;
}

void CheckSuits(nb::handle value, DType wanted) {
  PyObject* mismatch = FindLeaf(value.ptr(), [wanted](PyObject* leaf) { return !Suits(leaf, wanted); });
  if (!mismatch) return;
  throw nb::type_error(internal::Concat("Expected ", wanted, ", got ", Repr(mismatch), " of type '",
                                        Py_TYPE(mismatch)->tp_name, "' instead.")
                           .c_str());
}

template <class T>
bool FitsInt32(PyArrayObject* array) {
  auto values = static_cast<const T*>(PyArray_DATA(array));
  for (int64_t i = 0; i < PyArray_SIZE(array); ++i) {
    if (values[i] > INT32_MAX || values[i] < INT32_MIN) return false;
  }
  return true;
}

template <class T>
Tensor ScalarOf(T value) {
  return Tensor::Scalar<T>(value);
}

// The common feeds and constants without NumPy: an exact Python float, int or bool. Undefined if it is none of them.
Tensor PythonScalar(PyObject* value, DType dtype) {
  if (PyFloat_CheckExact(value)) {
    double number = PyFloat_AS_DOUBLE(value);
    if (dtype == DType::kFloat || dtype == DType::kInvalid) return ScalarOf(static_cast<float>(number));
    if (dtype == DType::kDouble) return ScalarOf(number);
  } else if (PyBool_Check(value)) {
    if (dtype == DType::kBool || dtype == DType::kInvalid) return ScalarOf(value == Py_True);
  } else if (PyLong_CheckExact(value)) {
    int overflow = 0;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) return {};
    bool small = number >= INT32_MIN && number <= INT32_MAX;
    if (dtype == DType::kInt32 && small) return ScalarOf(static_cast<int32_t>(number));
    if (dtype == DType::kInt64) return ScalarOf(static_cast<int64_t>(number));
    if (dtype == DType::kFloat) return ScalarOf(static_cast<float>(number));
    if (dtype == DType::kDouble) return ScalarOf(static_cast<double>(number));
    if (dtype == DType::kInvalid) {
      return small ? ScalarOf(static_cast<int32_t>(number)) : ScalarOf(static_cast<int64_t>(number));
    }
  } else if (IsText(value)) {
    if (dtype == DType::kString || dtype == DType::kInvalid) return ScalarOf(BytesOf(value));
  }
  return {};
}

// Errors: OverflowError unless all numbers of an int64 array fit `dtype`.
void CheckRange(PyArrayObject* array, DType dtype) {
  VisitNumeric(dtype, "a value", [&]<class T>(T) {
    if constexpr (std::is_integral_v<T> && sizeof(T) < sizeof(int64_t)) {
      auto values = static_cast<const int64_t*>(PyArray_DATA(array));
      for (int64_t i = 0; i < PyArray_SIZE(array); ++i) {
        if (values[i] >= std::numeric_limits<T>::min() && values[i] <= std::numeric_limits<T>::max()) continue;
        PyErr_SetString(PyExc_OverflowError, internal::Concat(values[i], " is out of bounds for ", dtype).c_str());
        nb::raise_python_error();
      }
    }
  });
}

// An array of Python objects: text, or what gives integers (tf.Dimension).
Tensor FromObjects(nb::handle value, PyArrayObject* array, DType wanted) {
  auto items = static_cast<PyObject**>(PyArray_DATA(array));
  const int64_t n = PyArray_SIZE(array);
  bool integers = n > 0;
  for (int64_t i = 0; integers && i < n; ++i) integers = PyIndex_Check(items[i]) != 0;
  if (wanted == DType::kInvalid && integers) {
    nb::object wide = AsArray(value, NPY_INT64);
    auto* numbers = reinterpret_cast<PyArrayObject*>(wide.ptr());
    if (!FitsInt32<int64_t>(numbers)) return CopyOf(numbers, DType::kInt64);
    wanted = DType::kInt32;
  }
  if (wanted == DType::kInvalid || wanted == DType::kString) {
    for (int64_t i = 0; i < n; ++i) {
      if (IsText(items[i])) continue;
      if (IsList(items[i]) && IsList(value.ptr())) FailRagged(value);
      throw nb::type_error(internal::Concat("Failed to convert object of type ", Repr(nb::handle(value.type())),
                                            " to Tensor. Contents: ", Repr(value),
                                            ". Consider casting elements to a supported type.")
                               .c_str());
    }
    return StringsOf(value);
  }
  nb::object numbers = AsArray(value, NumpyType(wanted));
  return CopyOf(reinterpret_cast<PyArrayObject*>(numbers.ptr()), wanted);
}

// `fed`: any number is cast to the placeholder's type; else Python's own values must suit it (see Suits).
Tensor Convert(nb::handle value, DType dtype, bool fed) {
  if (Tensor scalar = PythonScalar(value.ptr(), dtype); scalar.defined()) return scalar;
  if (value.is_none()) throw nb::value_error("None values not supported.");
  const bool typed = GivesArray(value.ptr());
  if (!typed && dtype != DType::kInvalid && !fed) CheckSuits(value, dtype);
  const bool bits =
      PyArray_Check(value.ptr()) && PyArray_TYPE(reinterpret_cast<PyArrayObject*>(value.ptr())) == NPY_UINT16;
  if (dtype == DType::kBFloat16 && !bits) {  // NumPy has no such type; it shows the bits
    const Tensor wide = Convert(value, DType::kFloat, fed);
    Tensor narrow(dtype, wide.shape());
    std::transform(wide.data<float>(), wide.data<float>() + wide.num_elements(), narrow.data<BFloat16>(),
                   [](float number) { return BFloat16(number); });
    return narrow;
  }
  if (!typed && dtype != DType::kInvalid && dtype != DType::kString) {
    // By way of int64, since some versions of NumPy let integers wrap that do not fit.
    nb::object numbers = AsArray(value, IsInteger(dtype) && SizeOf(dtype) < 8 ? NPY_INT64 : NumpyType(dtype));
    if (auto* wide = reinterpret_cast<PyArrayObject*>(numbers.ptr()); PyArray_TYPE(wide) != NumpyType(dtype)) {
      CheckRange(wide, dtype);
      numbers = AsArray(numbers, NumpyType(dtype));
    }
    return CopyOf(reinterpret_cast<PyArrayObject*>(numbers.ptr()), dtype);
  }
  nb::object object = AsArray(value);
  auto* array = reinterpret_cast<PyArrayObject*>(object.ptr());
  if (!typed && PyArray_SIZE(array) == 0) {
    const DType empty = dtype == DType::kInvalid ? DType::kFloat : dtype;
    return Tensor(empty, ShapeOf(array));
  }
  if (PyArray_TYPE(array) == NPY_OBJECT) return FromObjects(value, array, dtype);
  const DType given = FromNumpyType(array);
  DType wanted = dtype;
  if (wanted == DType::kInvalid) {
    wanted = given;
    if (!typed && given == DType::kDouble) wanted = DType::kFloat;
    if (!typed && given == DType::kInt64 && FitsInt32<int64_t>(array)) wanted = DType::kInt32;
  }
  if (wanted == DType::kString) {
    if (given != DType::kString) {
      throw nb::type_error(internal::Concat("Expected string, got ", Repr(value), " of type '",
                                            Py_TYPE(value.ptr())->tp_name, "' instead.")
                               .c_str());
    }
    return StringsOf(object);
  }
  if (IsComplex(given) && !IsComplex(wanted)) {
    throw nb::type_error(internal::Concat("Expected ", wanted, ", got complex numbers: ", Repr(value)).c_str());
  }
  if (PyArray_TYPE(array) != NumpyType(wanted)) {
    object = AsArray(object, NumpyType(wanted));
    array = reinterpret_cast<PyArrayObject*>(object.ptr());
  }
  return CopyOf(array, wanted);
}

nb::object StringsToPython(const Tensor& value) {
  auto text = [](const std::string& s) {
    return PyBytes_FromStringAndSize(s.data(), static_cast<Py_ssize_t>(s.size()));
  };
  if (value.rank() == 0) return nb::steal(text(*value.data<std::string>()));
  std::vector<npy_intp> dims(value.shape().begin(), value.shape().end());
  PyObject* array = PyArray_SimpleNew(value.rank(), dims.data(), NPY_OBJECT);
  if (!array) nb::raise_python_error();
  auto items = static_cast<PyObject**>(PyArray_DATA(reinterpret_cast<PyArrayObject*>(array)));
  for (int64_t i = 0; i < value.num_elements(); ++i) {
    Py_XDECREF(items[i]);
    items[i] = text(value.data<std::string>()[i]);
  }
  return nb::steal(array);
}

}  // namespace

void ImportNumpy() {
  if (ImportArrays() < 0) nb::raise_python_error();
}

Tensor ToTensor(nb::handle value, DType dtype) {
  return Convert(value, dtype, false);
}

Tensor ToFedTensor(nb::handle value, DType dtype) {
  try {
    return Convert(value, dtype, true);
  } catch (const nb::python_error& error) {
    if (!error.matches(PyExc_OverflowError) || !PyLong_Check(value.ptr())) throw;
    throw nb::type_error(
        internal::Concat("Type of feed value ", Repr(value), " with type ", Repr(nb::handle(value.type())),
                         " is not compatible with Tensor type ", dtype,
                         ". Try explicitly setting the type of the feed tensor to a larger type (e.g. int64).")
            .c_str());
  }
}

nb::object ToPython(const Tensor& value) {
  if (!value.defined()) return nb::none();
  if (value.dtype() == DType::kString) return StringsToPython(value);
  if (value.dtype() == DType::kResource || value.dtype() == DType::kVariant) {
    return nb::str(value.object()->DebugString().c_str());
  }
  int type = NumpyType(value.dtype());
  if (value.rank() == 0) {
    PyArray_Descr* description = PyArray_DescrFromType(type);
    PyObject* scalar = PyArray_Scalar(value.raw(), description, nullptr);
    Py_DECREF(description);
    if (!scalar) nb::raise_python_error();
    return nb::steal(scalar);
  }
  std::vector<npy_intp> dims(value.shape().begin(), value.shape().end());
  // Only a buffer that nobody else holds may be handed out, since the caller may write into the array.
  if (value.bytes() < kCopyBelow || !value.buffer() || value.SharesBuffer()) {
    PyObject* array = PyArray_SimpleNew(value.rank(), dims.data(), type);
    if (!array) nb::raise_python_error();
    if (value.bytes() > 0) {
      std::memcpy(PyArray_DATA(reinterpret_cast<PyArrayObject*>(array)), value.raw(), value.bytes());
    }
    return nb::steal(array);
  }
  auto owner = std::make_unique<Tensor>(value);
  PyObject* capsule = PyCapsule_New(
      owner.get(), nullptr, [](PyObject* self) { delete static_cast<Tensor*>(PyCapsule_GetPointer(self, nullptr)); });
  if (!capsule) nb::raise_python_error();
  PyObject* array = PyArray_SimpleNewFromData(value.rank(), dims.data(), type, owner.release()->raw());
  PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array), capsule);
  return nb::steal(array);
}

}  // namespace headrace::python
