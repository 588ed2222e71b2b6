"""python -m trainer.task: trains the wide and deep model of taxi fares."""

import argparse

from . import model

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train_data_paths", required=True, help="pattern of the training CSV files, local or gs://")
    parser.add_argument("--eval_data_paths", required=True, help="pattern of the evaluation CSV files")
    parser.add_argument("--output_dir", required=True, help="where checkpoints and exports go")
    parser.add_argument("--train_steps", type=int, default=1000)
    parser.add_argument("--batch_size", type=int, default=512)
    parser.add_argument("--hidden_units", type=int, nargs="+", default=[64, 64, 64, 8])
    parser.add_argument("--embedding_size", type=int, default=10)
    parser.add_argument("--cells", type=int, default=16, help="grid cells along each axis")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--job-dir", default="", help="given by the service; output_dir is what counts")
    model.train_and_evaluate(parser.parse_args())
