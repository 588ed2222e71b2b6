"""The public API as a table: for each module of `tensorflow`, its names and where they are implemented.

A line "source: a b c=d" gives the names a, b and c of headrace.source, c being called d there. The lines below a module
in brackets belong to it; tf.compat.v1 shows the same names as tf.
"""

from __future__ import annotations

_TABLE = """
[]
dtypes: DType as_dtype float16 float32 float64 half double bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64
dtypes: complex64 complex128 bool=bool_ string resource variant
shapes: TensorShape Dimension dimension_value dimension_at_index
framework: Graph Operation Tensor GraphKeys IndexedSlices SparseTensor SparseTensorValue name_scope op_scope
framework: control_dependencies device colocate_with get_default_graph reset_default_graph convert_to_tensor constant
framework: convert_to_tensor_or_sparse_tensor add_to_collection add_to_collections get_collection get_collection_ref
framework: set_random_seed is_tensor executing_eagerly init_scope
backprop: GradientTape
function: function
graph_functions: container register_tensor_conversion_function convert_to_tensor_or_indexed_slices
default_session: get_default_session
session: Session InteractiveSession
protos.config_pb2: ConfigProto GPUOptions GraphOptions OptimizerOptions RunOptions RunMetadata
protos.graph_pb2: GraphDef NodeDef AttrValue NameAttrList
protos.saved_model_pb2: MetaGraphDef TensorInfo
protos.event_pb2: Event HistogramProto LogMessage SessionLog Summary SummaryMetadata
math: add subtract multiply divide div truediv floordiv div_no_nan pow abs negative logical_xor equal not_equal round
math: sigmoid tanh cast saturate_cast to_float to_double to_int32 to_int64 clip_by_value clip_by_norm
math: clip_by_global_norm clip_by_average_norm global_norm where where_v2 reduce_sum reduce_mean reduce_prod
math: reduce_max reduce_min
math: reduce_all reduce_any reduce_logsumexp count_nonzero argmax argmin arg_max=argmax arg_min=argmin cumsum cumprod
math: unsorted_segment_mean unsorted_segment_sqrt_n
math: add_n accumulate_n matmul tensordot stack range linspace lin_space=linspace scalar_mul realdiv=truediv
_ops: exp expm1 log log1p sqrt rsqrt square sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh erf erfc floor
_ops: ceil rint sign reciprocal is_nan is_inf is_finite less less_equal greater greater_equal logical_and
_ops: logical_or logical_not maximum minimum squared_difference floor_mod mod=floor_mod floormod=floor_mod
_ops: floor_div truncatediv=truncate_div truncatemod=truncate_mod check_numerics
_ops: segment_sum segment_mean segment_max segment_min unsorted_segment_sum scatter_nd invert_permutation
_ops: read_file write_file dynamic_partition dynamic_stitch unique_with_counts
_ops: bitcast decode_raw diag diag_part matrix_band_part multinomial shape_n string_to_hash_bucket_strong
_ops: segment_prod unsorted_segment_max unsorted_segment_min unsorted_segment_prod
sparse: sparse_segment_mean sparse_segment_sum sparse_segment_sqrt_n sparse_to_dense sparse_reshape sparse_reorder
sparse: sparse_slice sparse_fill_empty_rows sparse_retain sparse_tensor_to_dense sparse_to_indicator sparse_reset_shape
sparse: sparse_tensor_dense_matmul
linalg: eye norm
templates: make_template
confusion: confusion_matrix
_ops: identity_n verify_tensor_all_finite=check_numerics
arrays: placeholder placeholder_with_default sparse_placeholder identity shape size rank reshape expand_dims squeeze
arrays: concat unstack split transpose gather gather_nd slice strided_slice boolean_mask fill zeros ones zeros_like
arrays: matrix_transpose meshgrid setdiff1d broadcast_dynamic_shape repeat
arrays: ones_like one_hot pad tile reverse unique sequence_mask broadcast_to stop_gradient newaxis
control_flow: no_op group tuple=tuple_ Print Assert
branches: cond case while_loop
functional: map_fn scan foldl foldr
tensor_array: TensorArray
random: random_uniform random_normal truncated_normal random_shuffle
strings: as_string string_to_number string_join string_split substr regex_replace string_to_hash_bucket_fast
strings: string_to_hash_bucket
variables: Variable get_variable variable_scope get_variable_scope VariableScope AUTO_REUSE no_regularizer
variables: global_variables local_variables trainable_variables model_variables moving_average_variables all_variables
variables: variables_initializer global_variables_initializer local_variables_initializer initialize_variables
variables: initialize_all_variables report_uninitialized_variables is_variable_initialized fixed_size_partitioner
variables: min_max_variable_partitioner assign assign_add assign_sub disable_resource_variables
state: scatter_update scatter_add scatter_sub scatter_mul scatter_div scatter_min scatter_max scatter_nd_update
state: scatter_nd_add scatter_nd_sub batch_scatter_update tensor_scatter_update tensor_scatter_add tensor_scatter_sub
state: tensor_scatter_nd_update=tensor_scatter_update tensor_scatter_nd_add=tensor_scatter_add
state: tensor_scatter_nd_sub=tensor_scatter_sub assert_variables_initialized ensure_shape count_up_to
variables: tables_initializer initialize_all_tables=tables_initializer
variables: enable_resource_variables resource_variables_enabled VariableSynchronization VariableAggregation
initializers: zeros_initializer=Zeros ones_initializer=Ones constant_initializer=Constant
initializers: random_uniform_initializer=RandomUniform random_normal_initializer=RandomNormal
initializers: truncated_normal_initializer=TruncatedNormal variance_scaling_initializer=VarianceScaling
initializers: glorot_uniform_initializer=GlorotUniform glorot_normal_initializer=GlorotNormal
compat: disable_eager_execution enable_eager_execution disable_v2_behavior enable_v2_behavior disable_v2_tensorshape
compat: enable_v2_tensorshape disable_tensor_equality enable_tensor_equality disable_control_flow_v2
compat: enable_control_flow_v2 control_flow_v2_enabled
compat: VERSION __version__ GIT_VERSION COMPILER_VERSION GRAPH_DEF_VERSION
checks: assert_equal assert_none_equal assert_less assert_less_equal assert_greater assert_greater_equal assert_near
checks: assert_negative assert_positive assert_non_negative assert_non_positive assert_integer assert_type assert_scalar
checks: assert_rank assert_rank_at_least assert_rank_in assert_same_float_dtype assert_proper_iterable is_numeric_tensor
checks: is_non_decreasing is_strictly_increasing
errors: OpError
gradients: gradients UnconnectedGradients AggregationMethod custom_gradient RegisterGradient NoGradient
gradients: NotDifferentiable=NoGradient hessians
data: decode_csv
type_specs: TypeSpec TensorSpec SparseTensorSpec IndexedSlicesSpec
dtypes: qint8 qint16 qint32 quint8 quint16 QUANTIZED_DTYPES
shapes: broadcast_static_shape
importing: import_graph_def
devices: DeviceSpec
tensors: make_tensor_proto make_ndarray
tensors: get_static_value=constant_value
tf_logging: get_logger
parsing: FixedLenFeature VarLenFeature parse_example parse_single_example

[compat]
compat: as_bytes as_text as_str as_str_any path_to_str bytes_or_text_types integral_types real_types complex_types
compat: forward_compatible

[version]
compat: VERSION GIT_VERSION COMPILER_VERSION GRAPH_DEF_VERSION GRAPH_DEF_VERSION_MIN_PRODUCER
compat: GRAPH_DEF_VERSION_MIN_CONSUMER

[dtypes]
dtypes: DType as_dtype float16 float32 float64 half double bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64
dtypes: complex64 complex128 bool=bool_ string resource variant
math: cast saturate_cast
strings: as_string

[errors]
errors: OpError CancelledError UnknownError InvalidArgumentError DeadlineExceededError NotFoundError AlreadyExistsError
errors: PermissionDeniedError ResourceExhaustedError FailedPreconditionError AbortedError OutOfRangeError
errors: UnimplementedError InternalError UnavailableError DataLossError UnauthenticatedError
errors: exception_type_from_error_code error_code_from_exception_type OK CANCELLED UNKNOWN INVALID_ARGUMENT
errors: DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED
errors: OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED

[logging]
tf_logging: DEBUG INFO WARN ERROR FATAL log debug info warn warning error fatal vlog log_if log_every_n log_first_n
tf_logging: get_verbosity set_verbosity flush TaskLevelStatusMessage

[gfile]
gfile: GFile FastGFile Open Exists=exists IsDirectory=isdir Glob=glob ListDirectory=listdir MkDir=mkdir
gfile: MakeDirs=makedirs Remove=remove DeleteRecursively=rmtree Rename=rename Copy=copy Stat=stat Walk=walk_v1

[io.gfile]
gfile: GFile exists isdir glob listdir mkdir makedirs remove rmtree rename copy stat walk

[app]
app: run

[app.flags]
app: FLAGS DEFINE_string DEFINE_integer DEFINE_float DEFINE_boolean DEFINE_bool DEFINE_list DEFINE_enum
app: DEFINE_enum_class DEFINE_spaceseplist DEFINE_alias DEFINE_flag DEFINE_multi DEFINE_multi_string
app: DEFINE_multi_integer DEFINE_multi_float DEFINE_multi_enum mark_flag_as_required mark_flags_as_required
app: mark_flags_as_mutual_exclusive register_validator register_multi_flags_validator validator
app: multi_flags_validator declare_key_flag adopt_module_key_flags disclaim_key_flags get_help_width text_wrap
app: flag_dict_to_args doc_to_help Error IllegalFlagValueError DuplicateFlagError UnparsedFlagAccessError
app: UnrecognizedFlagError ValidationError CantOpenFlagFileError Flag BooleanFlag EnumFlag EnumClassFlag MultiFlag
app: FlagHolder FlagValues ArgumentParser ArgumentSerializer BooleanParser EnumParser EnumClassParser FloatParser
app: IntegerParser ListParser ListSerializer BaseListParser CsvListSerializer WhitespaceSeparatedListParser

[flags]
app: FLAGS DEFINE_string DEFINE_integer DEFINE_float DEFINE_boolean DEFINE_bool DEFINE_list DEFINE_enum
app: DEFINE_enum_class DEFINE_spaceseplist DEFINE_alias DEFINE_flag DEFINE_multi DEFINE_multi_string
app: DEFINE_multi_integer DEFINE_multi_float DEFINE_multi_enum mark_flag_as_required mark_flags_as_required
app: mark_flags_as_mutual_exclusive register_validator register_multi_flags_validator validator
app: multi_flags_validator declare_key_flag adopt_module_key_flags disclaim_key_flags get_help_width text_wrap
app: flag_dict_to_args doc_to_help Error IllegalFlagValueError DuplicateFlagError UnparsedFlagAccessError
app: UnrecognizedFlagError ValidationError CantOpenFlagFileError Flag BooleanFlag EnumFlag EnumClassFlag MultiFlag
app: FlagHolder FlagValues ArgumentParser ArgumentSerializer BooleanParser EnumParser EnumClassParser FloatParser
app: IntegerParser ListParser ListSerializer BaseListParser CsvListSerializer WhitespaceSeparatedListParser

[math]
confusion: confusion_matrix
math: add subtract multiply divide truediv floordiv divide_no_nan=div_no_nan pow abs negative logical_xor equal
math: not_equal round sigmoid log_sigmoid tanh reduce_sum reduce_mean reduce_prod reduce_max reduce_min reduce_all
math: reduce_any reduce_logsumexp reduce_variance reduce_std count_nonzero argmax argmin cumsum cumprod add_n
math: accumulate_n scalar_mul polyval reduce_euclidean_norm unsorted_segment_mean unsorted_segment_sqrt_n
_ops: multiply_no_nan=mul_no_nan segment_prod unsorted_segment_max unsorted_segment_min unsorted_segment_prod
_ops: exp expm1 log log1p sqrt rsqrt square sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh erf erfc floor
_ops: ceil rint sign reciprocal is_nan is_inf is_finite less less_equal greater greater_equal logical_and logical_or
_ops: logical_not maximum minimum squared_difference floormod=floor_mod mod=floor_mod softplus softsign
_ops: segment_sum segment_mean segment_max segment_min unsorted_segment_sum xlogy xdivy invert_permutation
nn: softmax log_softmax top_k in_top_k l2_normalize zero_fraction

[nn]
nn: relu leaky_relu relu6 swish softmax log_softmax bias_add xw_plus_b l2_loss l2_normalize moments dropout
nn: sigmoid_cross_entropy_with_logits weighted_cross_entropy_with_logits softmax_cross_entropy_with_logits
nn: softmax_cross_entropy_with_logits_v2
nn: sparse_softmax_cross_entropy_with_logits top_k in_top_k embedding_lookup zero_fraction sigmoid tanh
_ops: elu selu softplus softsign
math: log_sigmoid

[strings]
strings: as_string to_number=string_to_number join=string_join split=string_split substr regex_replace
strings: regex_full_match to_hash_bucket_fast=string_to_hash_bucket_fast to_hash_bucket=string_to_hash_bucket

[linalg]
linalg: eye norm
math: matmul matvec tensordot global_norm
nn: l2_normalize
arrays: matrix_transpose
_ops: band_part=matrix_band_part tensor_diag=diag tensor_diag_part=diag_part

[bitwise]
_ops: bitwise_and bitwise_or bitwise_xor invert left_shift right_shift

[random]
_ops: multinomial
random: uniform=random_uniform normal=random_normal truncated_normal shuffle=random_shuffle
framework: set_random_seed

[initializers]
initializers: Initializer zeros=Zeros ones=Ones constant=Constant random_uniform=RandomUniform
initializers: random_normal=RandomNormal truncated_normal=TruncatedNormal variance_scaling=VarianceScaling
initializers: glorot_uniform=GlorotUniform glorot_normal=GlorotNormal lecun_uniform=LecunUniform
initializers: lecun_normal=LecunNormal he_uniform=HeUniform he_normal=HeNormal
variables: global_variables=global_variables_initializer local_variables=local_variables_initializer
variables: variables=variables_initializer

[layers]
layers: dense Dense dropout flatten

[losses]
losses: Reduction compute_weighted_loss mean_squared_error absolute_difference hinge_loss sparse_softmax_cross_entropy
losses: log_loss huber_loss sigmoid_cross_entropy softmax_cross_entropy add_loss get_losses get_regularization_losses
losses: get_regularization_loss get_total_loss

[metrics]
metrics: mean mean_squared_error root_mean_squared_error mean_absolute_error accuracy precision recall auc

[summary]
summary: scalar histogram merge merge_all FileWriter FileWriterCache
protos.event_pb2: Event SessionLog Summary SummaryDescription

[train]
optimizers: Optimizer GradientDescentOptimizer MomentumOptimizer AdagradOptimizer AdamOptimizer FtrlOptimizer
optimizers: RMSPropOptimizer
protos.checkpoint_pb2: CheckpointState
meta_graph: export_meta_graph import_meta_graph
saver: Saver Scaffold latest_checkpoint checkpoint_exists remove_checkpoint get_checkpoint_state
saver: update_checkpoint_state NewCheckpointReader load_checkpoint load_variable list_variables
train: get_global_step get_or_create_global_step create_global_step global_step exponential_decay
train: inverse_time_decay
train: natural_exp_decay polynomial_decay cosine_decay piecewise_constant piecewise_constant_decay=piecewise_constant
train: write_graph start_queue_runners
coordinator: Coordinator
hooks: SessionRunHook SessionRunArgs SessionRunContext SessionRunValues CheckpointSaverListener LoggingTensorHook
hooks: StopAtStepHook StepCounterHook SummarySaverHook NanTensorHook NanLossDuringTrainingError CheckpointSaverHook
hooks: FinalOpsHook FeedFnHook SecondOrStepTimer
summary: SummaryWriter=FileWriter SummaryWriterCache=FileWriterCache
protos.example_pb2: Example Features Feature BytesList FloatList Int64List FeatureList FeatureLists SequenceExample
protos.cluster_pb2: ClusterDef JobDef
cluster: ClusterSpec
protos.server_pb2: ServerDef
protos.control_flow_pb2: QueueRunnerDef
protos.saved_model_pb2: SaverDef

[data]
data_options: Options
data: Dataset TextLineDataset TFRecordDataset Iterator make_one_shot_iterator make_initializable_iterator
data: get_output_types get_output_shapes get_output_classes

[data.experimental]
data_options: DistributeOptions MapVectorizationOptions OptimizationOptions StatsOptions ThreadingOptions
data: AUTOTUNE shuffle_and_repeat map_and_batch parallel_interleave

[io]
_ops: read_file write_file
data: decode_csv
examples: TFRecordWriter tf_record_iterator
parsing: FixedLenFeature VarLenFeature parse_example parse_single_example
train: write_graph

[python_io]
examples: TFRecordWriter tf_record_iterator

[feature_column]
feature_columns: numeric_column bucketized_column categorical_column_with_identity categorical_column_with_hash_bucket
feature_columns: categorical_column_with_vocabulary_list categorical_column_with_vocabulary_file crossed_column
feature_columns: indicator_column embedding_column input_layer linear_model make_parse_example_spec

[estimator]
canned: DNNClassifier DNNLinearCombinedClassifier DNNLinearCombinedRegressor DNNRegressor LinearClassifier
canned: LinearRegressor
estimator: Estimator EstimatorSpec ModeKeys RunConfig TrainSpec EvalSpec train_and_evaluate
estimator: add_metrics
estimator: Exporter LatestExporter FinalExporter BestExporter
hooks: SessionRunHook SessionRunArgs SessionRunContext SessionRunValues CheckpointSaverListener LoggingTensorHook
hooks: StopAtStepHook StepCounterHook SummarySaverHook NanTensorHook NanLossDuringTrainingError CheckpointSaverHook
hooks: FinalOpsHook FeedFnHook SecondOrStepTimer

[estimator.export]
estimator: ServingInputReceiver TensorServingInputReceiver build_raw_serving_input_receiver_fn ExportOutput
estimator: build_parsing_serving_input_receiver_fn
estimator: PredictOutput RegressionOutput ClassificationOutput

[estimator.inputs]
inputs: numpy_input_fn pandas_input_fn

[debugging]
checks: assert_equal assert_none_equal assert_less assert_less_equal assert_greater assert_greater_equal assert_near
checks: assert_negative assert_positive assert_non_negative assert_non_positive assert_integer assert_type assert_scalar
checks: assert_rank assert_rank_at_least assert_rank_in assert_same_float_dtype assert_proper_iterable is_numeric_tensor
checks: is_non_decreasing is_strictly_increasing
checks: assert_shapes
_ops: check_numerics is_finite is_inf is_nan

[test]
testing.platform: TestCase Benchmark StubOutForTesting main mock get_temp_dir test_src_dir_path is_built_with_cuda
testing.platform: is_built_with_rocm is_built_with_gpu_support is_gpu_available gpu_device_name assert_equal_graph_def
testing.platform: compute_gradient compute_gradient_error

[graph_util]
graph_util: extract_sub_graph convert_variables_to_constants must_run_on_cpu remove_training_nodes
graph_util: tensor_shape_from_node_def_name
importing: import_graph_def

[lookup]
lookup: KeyValueTensorInitializer StaticHashTable StaticVocabularyTable TextFileIndex TextFileInitializer

[nest]
structure: flatten pack_sequence_as map_structure assert_same_structure is_nested

[sparse]
sparse: reshape=sparse_reshape reorder=sparse_reorder slice=sparse_slice fill_empty_rows=sparse_fill_empty_rows
sparse: retain=sparse_retain to_dense=sparse_tensor_to_dense to_indicator=sparse_to_indicator
sparse: reset_shape=sparse_reset_shape sparse_dense_matmul=sparse_tensor_dense_matmul segment_sum=sparse_segment_sum
sparse: segment_mean=sparse_segment_mean segment_sqrt_n=sparse_segment_sqrt_n
framework: SparseTensor
arrays: placeholder=sparse_placeholder

"""


def _parse(text: str) -> dict[str, dict[str, str]]:
    modules: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("["):
            current = modules.setdefault(line[1:-1], {})
        elif line:
            source, _, names = line.partition(": ")
            for name in names.split():
                public, _, inner = name.partition("=")
                current[public] = f"{source}:{inner or public}"
    return modules


MODULES = _parse(_TABLE)
