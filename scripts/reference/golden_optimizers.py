"""Makes test/golden/optimizers.safetensors: 12 steps of each optimizer on given gradients, with a mask set midway.

The parameters are w [4, 6] and b [4]. After step 4 the mask is set on w: where it is 0, the weight, the gradient and
every moment become +0 (masked_fill), and so does each gradient of w from then on.
Metadata: `steps`, `maskedAfterStep`, `savedSteps`, `variants`, and `cases`, a list of {name, algorithm, options} with
the options under their TypeScript names.
Tensors:
  initial.<p>                             p: w, b
  gradient.<step>.<p>                     steps 1 to 12, before masking
  mask                                    uint8, 1 where w is kept
  <case>.<variant>.<step>.<p>             after steps 1, 4 (the mask not yet set), 5, 12; variant: loop, fused
  <case>.<variant>.state.<p>.<moment>     after step 12: momentum_buffer, exp_avg, exp_avg_sq, max_exp_avg_sq
"""

import torch

from common import camel_case, fixture_arguments, is_positive_zero, save_fixture

STEPS, MASKED_AFTER, SAVED = 12, 4, (1, 4, 5, 12)

OPTIMIZERS = {'sgd': torch.optim.SGD, 'adam': torch.optim.Adam, 'adamw': torch.optim.AdamW}
DEFAULTS = {
    'sgd': dict(lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False),
    'adam': dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False),
    'adamw': dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, amsgrad=False),
}

# name: algorithm, options that differ from its defaults
CASES = {
    'sgd': ('sgd', {}),
    'sgd-momentum': ('sgd', dict(momentum=0.9)),
    'sgd-nesterov': ('sgd', dict(momentum=0.9, nesterov=True)),
    'sgd-dampening': ('sgd', dict(momentum=0.9, dampening=0.1)),
    'sgd-weight-decay': ('sgd', dict(momentum=0.9, weight_decay=5e-4)),
    'adam': ('adam', {}),
    # It is so large that it shows where it is added.
    'adam-eps': ('adam', dict(eps=0.05)),
    'adam-amsgrad': ('adam', dict(amsgrad=True)),
    'adam-weight-decay': ('adam', dict(weight_decay=5e-4)),
    'adamw': ('adamw', {}),
    'adamw-amsgrad': ('adamw', dict(amsgrad=True)),
}
VARIANTS = {'loop': dict(foreach=False, fused=False), 'fused': dict(foreach=False, fused=True)}


def moments(optimizer, parameter):
    """Returns the state that has the parameter's shape, which is everything but the step counter."""
    state = optimizer.state[parameter]
    return {name: value for name, value in state.items() if torch.is_tensor(value) and name != 'step'}


def run(optimizer_class, options, initial, gradients, pruned):
    """Returns the tensors of one case and variant, without its name as a prefix."""
    parameters = {name: value.clone().requires_grad_() for name, value in initial.items()}
    w = parameters['w']
    optimizer = optimizer_class(list(parameters.values()), **options)
    tensors = {}
    for step in range(1, STEPS + 1):
        for name, parameter in parameters.items():
            parameter.grad = gradients[step][name].clone()
        if step > MASKED_AFTER:
            w.grad.masked_fill_(pruned, 0)
        optimizer.step()
        if step in SAVED:
            tensors.update({f'{step}.{name}': value.detach().clone() for name, value in parameters.items()})
        if step == MASKED_AFTER:
            with torch.no_grad():
                for tensor in [w, w.grad, *moments(optimizer, w).values()]:
                    tensor.masked_fill_(pruned, 0)
        elif step > MASKED_AFTER:
            for tensor in [w, *moments(optimizer, w).values()]:
                assert is_positive_zero(tensor)[pruned].all(), f'a pruned value came back in step {step}'
    for name, parameter in parameters.items():
        tensors.update(
            {f'state.{name}.{moment}': value for moment, value in moments(optimizer, parameter).items()}
        )
    return tensors


def main():
    arguments = fixture_arguments(__doc__)
    torch.manual_seed(0)
    shapes = {'w': [4, 6], 'b': [4]}
    initial = {name: torch.randn(shape) for name, shape in shapes.items()}
    gradients = {
        step: {name: torch.randn(shape) for name, shape in shapes.items()} for step in range(1, STEPS + 1)
    }
    pruned = torch.rand(shapes['w']) < 0.5
    tensors = {f'initial.{name}': value for name, value in initial.items()}
    tensors.update({f'gradient.{s}.{name}': g for s, both in gradients.items() for name, g in both.items()})
    tensors['mask'] = (~pruned).to(torch.uint8)

    cases = []
    for case, (algorithm, differences) in CASES.items():
        options = {**DEFAULTS[algorithm], **differences}
        cases.append(
            {
                'name': case,
                'algorithm': algorithm,
                'options': {camel_case(key): value for key, value in options.items()},
            }
        )
        for variant, implementation in VARIANTS.items():
            results = run(OPTIMIZERS[algorithm], {**options, **implementation}, initial, gradients, pruned)
            tensors.update({f'{case}.{variant}.{key}': value for key, value in results.items()})
    description = {
        'steps': STEPS,
        'maskedAfterStep': MASKED_AFTER,
        'savedSteps': SAVED,
        'variants': list(VARIANTS),
        'cases': cases,
    }
    save_fixture(arguments.out / 'optimizers.safetensors', tensors, description)


if __name__ == '__main__':
    main()
