"""The other side of `npm run bench`: times a LeNet's training step in plain PyTorch, on command.

Reads FOLDER/input.safetensors as compare_lenet.py does, runs the warm-up, prints {"ready": true, ...}, then takes one
command per line from stdin and answers each with one line of JSON on stdout, so that two programs can take turns:
  run 100   runs 100 more steps -> {"steps": 100, "seconds": 0.17, "loss": 0.21}
  run       runs the number of steps given by --steps
  quit      ends the program; so does the end of the input
Anything else gets {"error": ...}.
Modes: `prune` is torch.nn.utils.prune at --density with the looped SGD, `dense` is only the looped SGD, `dense-fused`
is only the fused SGD. A step is zero_grad, forward, cross-entropy, backward, and an optimizer step, on a batch of 64.
"""

import itertools
import json
import sys
import time

import torch
import torch.nn.functional as F

from common import prune_to_density
from lenet import LeNetInput, lenet_arguments, make_sgd, parse_lenet_arguments


def say(**answer):
    print(json.dumps(answer), flush=True)


def run(model, optimizer, batches, steps):
    """Returns the seconds that the steps take, and the last loss (read after the clock stops)."""
    start = time.perf_counter()
    for _ in range(steps):
        x, y = next(batches)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start, loss.item()


def batch_stream(data, prepared):
    """Yields the batches repeatedly, normalized beforehand or from their bytes within each step."""
    steps = range(data.batch_count)
    if prepared:
        return itertools.cycle([data.batch(step) for step in steps])
    return (data.batch(step) for step in itertools.cycle(steps))


def serve(model, optimizer, batches, default_steps):
    for line in sys.stdin:
        command, *rest = line.split() or ['']
        count = rest[0] if rest else str(default_steps)
        if command == 'quit':
            return
        if command == 'run' and count.isdecimal() and int(count) > 0:
            seconds, loss = run(model, optimizer, batches, int(count))
            say(steps=int(count), seconds=seconds, loss=loss)
        else:
            say(error=f'expected "run N" or "quit" but received {line.strip()!r}')


def main():
    parser = lenet_arguments(__doc__)
    parser.add_argument('--mode', choices=['prune', 'dense', 'dense-fused'], default='prune')
    parser.add_argument('--steps', type=int, default=100, help='steps of a "run" without a number')
    parser.add_argument('--warmup', type=int, default=20, help='steps before "ready"')
    parser.add_argument(
        '--input',
        choices=['prepared', 'bytes'],
        default='prepared',
        help='whether the batches are normalized before the clock starts, or in each step',
    )
    arguments = parse_lenet_arguments(parser)
    data = LeNetInput(arguments.folder, arguments.model)
    model = data.model
    if arguments.mode == 'prune':
        prune_to_density(model, arguments.density)
    optimizer = make_sgd(model, arguments, fused=arguments.mode == 'dense-fused')
    batches = batch_stream(data, arguments.input == 'prepared')
    if arguments.warmup > 0:
        run(model, optimizer, batches, arguments.warmup)
    say(
        ready=True,
        model=arguments.model,
        mode=arguments.mode,
        threads=arguments.threads,
        input=arguments.input,
        torch=torch.__version__,
    )
    serve(model, optimizer, batches, arguments.steps)


if __name__ == '__main__':
    main()
