"""Views of tensorflow.python.framework, client, platform, lib, util, data, eager, debug and summary."""

TABLE = """\
python = @
python.framework_lib = @ framework
python.framework.common_shapes = shapes
python.framework.config = context:list_physical_devices context:list_logical_devices
python.framework.constant_op = constant=framework:constant_v2 constant_v1=framework:constant
python.framework.device = devices
python.framework.device_spec = devices
python.framework.dtypes = dtypes bool=dtypes:bool_
python.framework.errors = errors
python.framework.errors_impl = errors
python.framework.graph_io = train:write_graph
python.framework.graph_util = graph_util
python.framework.graph_util_impl = graph_util
python.framework.importer = importing:import_graph_def
python.framework.indexed_slices = framework type_specs:IndexedSlicesSpec
python.framework.meta_graph = meta_graph
python.framework.ops = framework default_session graph_functions compat:enable_eager_execution
python.framework.ops = compat:disable_eager_execution @
python.framework.test_ops = _ops
python.framework.random_seed = framework:set_random_seed random
python.framework.smart_cond = smart_conditions
python.framework.registry = registry
python.framework.sparse_tensor = framework type_specs:SparseTensorSpec
python.framework.tensor_shape = shapes
python.framework.tensor_spec = type_specs
python.framework.tensor_util = tensors framework:is_tensor
python.framework.test_util = testing.test_util testing.test_case:TensorFlowTestCase
python.framework.test_combinations = testing.combinations generate=testing.combinations:generate_with
python.framework.combinations = testing.combinations
python.framework.traceable_stack = traceable_stack
python.framework.type_spec = type_specs
python.framework.composite_tensor = type_specs:CompositeTensor
python.framework.versions = compat __version__=compat:VERSION __git_version__=compat:GIT_VERSION
python.framework.versions = __compiler_version__=compat:COMPILER_VERSION __cxx11_abi_flag__=compat:CXX11_ABI_FLAG
python.framework.versions = __monolithic_build__=compat:MONOLITHIC_BUILD
python.client.client_lib = @
python.client.device_lib = devices
python.client.session = session
python.compat.compat = compat
python.compat.v2_compat = compat
python.eager.context = context
python.eager.backprop = backprop
python.eager.core = eager_core
python.eager.function = function
python.eager.def_function = function
python.eager.tape = backprop
python.eager.test = testing.platform mock=testing.platform:mock
python.tf2 = tf2
python.platform.app = app
python.platform.benchmark = testing.benchmark
python.platform.flags = app
python.platform.gfile = gfile Exists=gfile:exists IsDirectory=gfile:isdir Glob=gfile:glob ListDirectory=gfile:listdir
python.platform.gfile = MkDir=gfile:mkdir MakeDirs=gfile:makedirs Remove=gfile:remove DeleteRecursively=gfile:rmtree
python.platform.gfile = Rename=gfile:rename Copy=gfile:copy Stat=gfile:stat Walk=gfile:walk_v1
python.platform.googletest = testing.googletest
python.platform.resource_loader = testing.resource_loader
python.platform.test = testing.platform mock=testing.platform:mock
python.platform.tf_logging = tf_logging TaskLevelStatusMessage=tf_logging:TaskLevelStatusMessage
python.platform.sysconfig = @sysconfig
python.lib.io.file_io = file_io
python.lib.io.python_io = examples
python.lib.io.tf_record = examples
python.util.compat = compat collections_abc=compat:collections_abc
python.util.nest = structure
python.util.tf_inspect = inspection
python.util.tf_contextlib = decorators
python.util.tf_decorator = decorators
python.util.deprecation = decorators
python.util.tf_export = decorators
python.util.all_util = decorators
python.util.object_identity = identity_sets
python.data.ops.dataset_ops = data data_options:Options element_structures:get_structure
python.data.ops.dataset_ops = DatasetV1=data:Dataset DatasetV2=data:Dataset
python.data.ops.dataset_ops = get_legacy_output_types=data:get_output_types
python.data.ops.dataset_ops = get_legacy_output_shapes=data:get_output_shapes
python.data.ops.dataset_ops = get_legacy_output_classes=data:get_output_classes
python.data.ops.iterator_ops = data
python.data.ops.readers = data TextLineDatasetV1=data:TextLineDataset TFRecordDatasetV1=data:TFRecordDataset
python.data.util.nest = data_structure
python.data.util.options = data_options
python.data.util.structure = element_structures
python.data.util.random_seed = random:get_seed
python.data.experimental.ops.optimization_options = data_options
python.data.experimental.ops.threading_options = data_options
python.data.experimental.ops.stats_options = data_options
python.data.experimental.ops.distribute_options = data_options
python.data.experimental.ops.batching = data
python.data.experimental.ops.interleave_ops = data
python.data.experimental.ops.shuffle_ops = data
python.data.kernel_tests.test_base = testing.dataset_test_base
python.data.experimental.ops.optimization = data:AUTOTUNE
python.summary.summary = summary
python.summary.writer.writer = summary
python.summary.writer.writer_cache = summary:FileWriterCache
python.summary.summary_iterator = summary
python.pywrap_tensorflow = saver:NewCheckpointReader
"""
