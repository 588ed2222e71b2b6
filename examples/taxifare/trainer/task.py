"""python -m trainer.task: trains the model of taxi fares."""

import argparse

from . import model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train_data_paths", required=True, help="pattern of the training CSV files, local or gs://")
    parser.add_argument("--eval_data_paths", required=True, help="pattern of the evaluation CSV files")
    parser.add_argument("--output_dir", required=True, help="where checkpoints, events and exports go")
    parser.add_argument("--train_batch_size", type=int, default=512)
    parser.add_argument("--eval_batch_size", type=int, default=10000)
    parser.add_argument("--train_steps", type=int, default=1000)
    parser.add_argument("--hidden_units", type=int, nargs="+", default=[128, 32, 4])
    parser.add_argument("--eval_delay_secs", type=int, default=1, help="seconds before the first evaluation")
    parser.add_argument("--throttle_secs", type=int, default=60, help="seconds between evaluations")
    parser.add_argument("--seed", type=int, default=None, help="graph seed, for a run that can be repeated")
    parser.add_argument("--job-dir", default="", help="given by the service; output_dir is what counts")
    model.train_and_evaluate(parser.parse_args())


if __name__ == "__main__":
    main()
