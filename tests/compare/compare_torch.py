"""Convolutional networks against PyTorch: every operator on feature maps, forward and backward, on random shapes,
kernels, strides and paddings; and the losses of a model's first steps from the same weights on the same batches.
Our side comes from the program exchange beside this file."""
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    from torch.nn import functional as F
except ImportError as missing:
    print(f"left out: {missing} (Debian: python3-torch)")
    sys.exit(77)

EXCHANGE = os.path.join(os.environ["TSR_BUILD"], "tests", "compare", "exchange")
EPSILON, MOMENTUM = 1e-3, 0.01
OPERATOR_TOLERANCE = 3e-5  # of the largest value
LOSS_TOLERANCE = 1e-3
# Adam divides by the gradient's size, so its first steps turn rounding into whole steps: at a rate of 0.001 PyTorch's
# own losses in float and in double part by 2 % within 20 steps, at 0.0001 by 0.05 %. We are compared with double.
RATE = 1e-4
failures = []


def claim(what, holds):
    if not holds:
        failures.append(what)


def exchange(*arguments, text=""):
    done = subprocess.run([EXCHANGE, *arguments], input=text, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"exchange {arguments}: {done.stdout}{done.stderr}")


def read(folder, prefix):
    """The arrays of a folder whose names begin with the prefix and a dot, by the rest of their names."""
    names = [name[len(prefix) + 1:-4] for name in os.listdir(folder) if name.startswith(prefix + ".")]
    return {name: torch.from_numpy(np.load(f"{folder}/{prefix}.{name}.npy")) for name in names}


# --- operators ---

def random_cases(rng, each):
    cases = []
    while len(cases) < each:
        kernel, stride, padding = ([rng.randint(low, high) for _ in "hw"] for low, high in ((1, 5), (1, 3), (0, 2)))
        c, h, w = rng.randint(1, 20), rng.randint(1, 17), rng.randint(1, 17)
        if h + 2 * padding[0] >= kernel[0] and w + 2 * padding[1] >= kernel[1]:
            cases.append(("conv2d", c, h, w, rng.randint(1, 20), *kernel, *stride, *padding, rng.randint(0, 1)))
    for side in (1, 2, 5, 8, 16, 32):  # what the models are made of
        for kernel, stride, padding in ((3, 1, 1), (3, 2, 1), (1, 1, 0), (1, 2, 0)):
            channels = [rng.choice((3, 16, 32)), rng.choice((16, 32, 48))]
            cases.append(("conv2d", channels[0], side, side, channels[1], *2 * [kernel], *2 * [stride], *2 * [padding], 0))
    for name in ("max_pool", "average_pool"):
        for _ in range(each):
            size, stride = rng.randint(1, 4), rng.randint(1, 4)
            cases.append((name, rng.randint(1, 9), rng.randint(size, 17), rng.randint(size, 17), size, stride))
    for name in ("padded_max_pool", "padded_average_pool"):
        for _ in range(2 * each):
            size, stride = [rng.randint(1, 5) for _ in "hw"], [rng.randint(1, 4) for _ in "hw"]
            padding = [rng.randint(0, n // 2) for n in size]
            h, w = (rng.randint(max(1, size[i] - 2 * padding[i]), 17) for i in (0, 1))
            cases.append((name, rng.randint(1, 9), h, w, *size, *stride, *padding, rng.randint(0, 1)))
    for name in ("global_average_pool", "batch_norm", "activation", "norm_activation", "norm_add_activation", "dense"):
        for _ in range(each):
            cases.append((name, rng.randint(1, 20), rng.randint(2, 17), rng.randint(1, 17), rng.randint(1, 20)))
        cases.append((name, 64, 32, 32, 3))  # large enough to be shared among threads
    wanted = len(cases) + 4 * each
    while len(cases) < wanted:  # in groups, with dilation
        kernel, stride, padding, dilation = ([rng.randint(low, high) for _ in "hw"]
                                                  for low, high in ((1, 4), (1, 3), (0, 3), (1, 3)))
        groups, h, w = rng.choice((1, 2, 3, 5, 8)), rng.randint(1, 14), rng.randint(1, 14)
        c, channels = groups * rng.choice((1, 1, 2, 3)), groups * rng.choice((1, 1, 2, 3))
        fits = [dilation[i] * (kernel[i] - 1) < (h, w)[i] + 2 * padding[i] for i in (0, 1)]
        if all(fits) and (groups, *dilation) != (1, 1, 1):
            cases.append(("conv2d", c, h, w, channels, *kernel, *stride, *padding, rng.randint(0, 1), groups, *dilation))
        if dilation[0] * (kernel[0] - 1) < h * w + 2 * padding[0]:
            cases.append(("conv1d", c, h, w, channels, kernel[0], stride[0], padding[0], groups, dilation[0]))
    cases.append(("conv2d", 64, 32, 32, 64, 3, 3, 1, 1, 1, 1, 0, 64, 1, 1))  # shared among threads
    for _ in range(each):
        c, h, w = (rng.randint(1, 9) for _ in "chw")
        groups = rng.choice([g for g in range(1, c + 1) if c % g == 0 and c // g * h * w > 1] or [0])
        dim, other = rng.randint(0, 2), rng.randint(0, 2)
        first = rng.randint(0, (c, h, w)[dim] - 1)
        order = rng.sample(range(3), 3)
        for name, *options in (("linear", rng.randint(1, 9)), ("matmul", 0), ("matmul", 1), ("repeated",), ("smooth",),
                               ("softmax", dim), ("mean", dim, other), ("permute", *order),
                               ("concat", dim, first, rng.randint(1, (c, h, w)[dim] - first))):
            cases.append((name, c, h, w, *options))
        cases.append(("layer_norm", c, h, max(w, 2), rng.randint(1, 3)))
        if groups:
            cases.append(("group_norm", c, h, w, groups))
    return cases


def norm(x, p, name):
    return F.batch_norm(x, None, None, p[name + ".weight"], p[name + ".bias"], training=True, eps=EPSILON)


def operator(case, x, p):
    name, options = case[0], case[4:]
    if name == "conv2d":
        _, _, _, s_h, s_w, p_h, p_w, _, *more = options
        groups, *dilation = more or (1, 1, 1)
        return F.conv2d(x, p["conv2d0.weight"], p.get("conv2d0.bias"), (s_h, s_w), (p_h, p_w), dilation, groups)
    if name == "conv1d":
        _, _, stride, padding, groups, dilation = options
        return F.conv1d(x.flatten(2), p["conv1d0.weight"], p["conv1d0.bias"], stride, padding, dilation, groups)
    if name == "max_pool":
        return F.max_pool2d(x, *options)
    if name == "average_pool":
        return F.avg_pool2d(x, *options)
    if name == "padded_max_pool":
        return F.max_pool2d(x, options[0:2], options[2:4], options[4:6])
    if name == "padded_average_pool":
        return F.avg_pool2d(x, options[0:2], options[2:4], options[4:6], count_include_pad=not options[6])
    if name == "global_average_pool":
        return x.mean((2, 3))
    if name == "batch_norm":
        return norm(x, p, "batch_norm0")
    if name == "activation":
        return F.prelu(x, p["activation0.weight"])
    if name == "norm_activation":
        return F.prelu(norm(x, p, "batch_norm0"), p["activation0.weight"])
    if name == "norm_add_activation":
        return F.prelu(norm(x, p, "batch_norm0") + x, p["activation0.weight"])
    if name == "dense":
        return F.linear(x.flatten(1), p["dense0.weight"], p["dense0.bias"])
    return tensor_operator(name, options, x, p)


def tensor_operator(name, options, x, p):
    """Operators on shapes of any number of dimensions; ours count them without the batch's."""
    if name == "linear":
        return F.linear(x, p["linear0.weight"], p["linear0.bias"])
    if name == "matmul":
        return x.transpose(2, 3) @ x.tanh() if options[0] else x @ x.tanh().transpose(2, 3)
    if name == "repeated":
        return x * x[:, :1] + x[:, :, :1] - x[:, :, :, :1]
    if name == "smooth":
        return x.sigmoid() * (x.tanh() + 0.25 * x.exp())
    if name == "softmax":
        return x.softmax(options[0] + 1)
    if name == "layer_norm":
        shape = x.shape[4 - options[0]:]
        return F.layer_norm(x, shape, p["layer_norm0.weight"], p["layer_norm0.bias"])
    if name == "group_norm":
        return F.group_norm(x, options[0], p["group_norm0.weight"], p["group_norm0.bias"])
    if name == "mean":
        return x.mean(tuple({d + 1 for d in options}))
    if name == "permute":
        return x.permute(0, *(d + 1 for d in options))
    dim, first, n = options
    return torch.cat((x, x.narrow(dim + 1, first, n), x.tanh()), dim + 1)


def near(ours, theirs, what):
    scale = max(theirs.abs().max().item(), 1e-2)
    error = (ours.reshape(theirs.shape) - theirs).abs().max().item() / scale
    claim(f"{what}: an error of {error:.1e} of the largest", error <= OPERATOR_TOLERANCE)


def compare_operators():
    cases = random_cases(random.Random(1), 12)
    with tempfile.TemporaryDirectory() as folder:
        exchange("operators", folder, text="".join(" ".join(map(str, case)) + "\n" for case in cases))
        for number, case in enumerate(cases):
            arrays = read(folder, str(number))
            p = {name: a.double().requires_grad_() for name, a in arrays.items()
                 if name not in ("x", "y", "labels") and not name.startswith("gradient.")}
            y = operator(case, arrays["x"].double() + p["shift0.shift"], p).flatten(1)
            F.cross_entropy(y, arrays["labels"].long()).backward()
            near(arrays["y"], y.detach(), f"{case}, forward")
            for name, parameter in p.items():
                near(arrays["gradient." + name], parameter.grad, f"{case}, the gradient of {name}")
    return len(cases)


# --- models ---

def conv(x, p, name, stride=1):
    weight = p[name + ".weight"]
    return F.conv2d(x, weight, None, stride, weight.shape[2] // 2)


def resnet(x, p, stages, blocks):
    x = F.relu(norm(conv(x, p, "stem.conv"), p, "stem.norm"))
    for stage in range(stages):
        for block in range(blocks):
            name, stride = f"stage.{stage}.block.{block}", 2 if stage and not block else 1
            shortcut = x
            if f"{name}.shortcut.conv.weight" in p:
                shortcut = norm(conv(x, p, f"{name}.shortcut.conv", stride), p, f"{name}.shortcut.norm")
            x = F.relu(norm(conv(x, p, f"{name}.conv1", stride), p, f"{name}.norm1"))
            x = F.relu(norm(conv(x, p, f"{name}.conv2"), p, f"{name}.norm2") + shortcut)
    return F.linear(x.mean((2, 3)), p["output.weight"], p["output.bias"])


def vgg(x, p, convolutions):
    for stage, n in enumerate(convolutions):
        for i in range(1, n + 1):
            x = F.relu(norm(conv(x, p, f"stage.{stage}.conv{i}"), p, f"stage.{stage}.norm{i}"))
        x = F.max_pool2d(x, 2)
    x = x.flatten(1)
    for i in range(2):
        x = F.relu(norm(F.linear(x, p[f"hidden.{i}.weight"], p[f"hidden.{i}.bias"]), p, f"norm.{i}"))
    return F.linear(x, p["output.weight"], p["output.bias"])


def compare_steps(what, settings, network, batch, steps):
    with tempfile.TemporaryDirectory() as folder:
        exchange("train", settings, "32", str(batch), str(steps), str(RATE), folder)
        p = {name: array.double().requires_grad_() for name, array in read(folder, "initial").items()}
        images, labels, ours = (np.load(f"{folder}/{name}.npy") for name in ("images", "labels", "losses"))
    optimizer = torch.optim.Adam(p.values(), lr=RATE)
    theirs = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(torch.from_numpy(images[step]).double(), p), torch.from_numpy(labels[step]).long())
        loss.backward()
        optimizer.step()
        theirs.append(loss.item())
    worst = np.max(np.abs(ours / theirs - 1))
    print(f"{what}: losses {theirs[0]:.4f} to {theirs[-1]:.4f} in {steps} steps, at most {worst:.1e} apart")
    claim(f"{what}: losses {ours} and PyTorch's {theirs}", worst <= LOSS_TOLERANCE)
    claim(f"{what}: there is something to learn: {theirs}", min(theirs) < 0.9 * theirs[0])


def main():
    torch.set_num_threads(2)
    print(compare_operators(), "operators")
    compare_steps("resnet-20", 'plugin = "resnet"; depth = 20;', lambda x, p: resnet(x, p, 3, 3), 16, 20)
    compare_steps("resnet-18", 'plugin = "resnet"; depth = 18; width_multiplier = 0.125;', lambda x, p: resnet(x, p, 4, 2), 16, 5)
    compare_steps("vgg-16", 'plugin = "vgg"; width_multiplier = 0.125; dropout = 0.0;',
                  lambda x, p: vgg(x, p, (2, 2, 3, 3, 3)), 32, 5)


main()
for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
