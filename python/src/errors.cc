// headrace::Error becomes the tf.errors class of its code, which the skin's make_error builds.
#include "headrace/error.h"

#include "bind.h"
#include "casters.h"
#include "headrace/hooks.h"
#include "headrace/state_error.h"

namespace headrace::python {

void BindErrors(nb::module_& m) {
  m.def(
      "register_skin",
      [](nb::dict dtypes, nb::object dtype_class, nb::object as_dtype, nb::object tensor_shape, nb::object make_error) {
        SkinClasses& skin = Skin();
        for (auto [number, dtype] : dtypes)
          skin.dtypes[nb::cast<int>(number)] = nb::object(nb::borrow(dtype)).release().ptr();
        skin.dtype_class = dtype_class.release().ptr();
        skin.as_dtype = as_dtype.release().ptr();
        skin.tensor_shape = tensor_shape.release().ptr();
        skin.make_error = make_error.release().ptr();
      },
      "Tells the module the Python classes it hands out: tf.DType by number, tf.TensorShape, the error factory.");
  nb::register_exception_translator([](const std::exception_ptr& exception, void*) {
    try {
      std::rethrow_exception(exception);
    } catch (const NanLossDuringTraining&) {
      nb::object type = nb::module_::import_("headrace.hooks").attr("NanLossDuringTrainingError");
      PyErr_SetNone(type.ptr());
    } catch (const BuildError& error) {
      PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const StateError& error) {
      PyErr_SetString(PyExc_RuntimeError, error.what());
    } catch (const Error& error) {
      if (!Skin().make_error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
        return;
      }
      PyObject* instance = PyObject_CallFunction(Skin().make_error, "is", static_cast<int>(error.code()), error.what());
      if (!instance) return;  // the error of making it is raised instead
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(instance)), instance);
      Py_DECREF(instance);
    }
  });
}

}  // namespace headrace::python
