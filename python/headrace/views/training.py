"""Views of tensorflow.python.training and saved_model."""

TABLE = """\
python.training.adagrad = optimizers:AdagradOptimizer
python.training.adadelta = @train
python.training.adagrad_da = @train
python.training.adam = optimizers:AdamOptimizer
python.training.basic_session_run_hooks = hooks
python.training.checkpoint_management = saver
python.training.checkpoint_utils = saver
python.training.coordinator = coordinator:Coordinator
python.training.device_setter = @train
python.training.ftrl = optimizers:FtrlOptimizer
python.training.gradient_descent = optimizers:GradientDescentOptimizer
python.training.input = @train
python.training.learning_rate_decay = train
python.training.momentum = optimizers:MomentumOptimizer
python.training.monitored_session = @train
python.training.moving_averages = @train
python.training.optimizer = optimizers
python.training.proximal_adagrad = @train
python.training.proximal_gradient_descent = @train
python.training.queue_runner = train
python.training.queue_runner_impl = train
python.training.rmsprop = optimizers:RMSPropOptimizer
python.training.saver = saver meta_graph
python.training.server_lib = @train
python.training.session_manager = @train
python.training.session_run_hook = hooks
python.training.summary_io = summary SummaryWriter=summary:FileWriter SummaryWriterCache=summary:FileWriterCache
python.training.supervisor = @train
python.training.training = @train
python.training.training_util = train
python.training.checkpoint_state_pb2 = protos.checkpoint_pb2
python.training.slot_creator = @train
python.training.saving.saveable_object = @train
python.saved_model.builder = @saved_model
python.saved_model.loader = @saved_model
python.saved_model.signature_constants = @saved_model.signature_constants
python.saved_model.signature_def_utils = @saved_model.signature_def_utils
python.saved_model.simple_save = @saved_model
python.saved_model.tag_constants = @saved_model.tag_constants
python.saved_model.utils = @saved_model.utils
"""
