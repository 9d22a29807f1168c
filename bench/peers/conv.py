#!/usr/bin/python3
"""Times a convolutional network with PyTorch on random images of CIFAR-10's size, as bench/network.c does ours, and
prints a line of JSON: the median seconds of a training step or of a batch through the network as it is.

    conv.py resnet20|resnet18|vgg16 BATCH TIMES train|inference THREADS

Debian: python3-torch
"""
import json
import statistics
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)


def convolution(inputs, channels, kernel=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01),
    )


class Block(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.first = convolution(inputs, channels, 3, stride)
        self.second = convolution(channels, channels)
        same = stride == 1 and inputs == channels
        self.shortcut = nn.Identity() if same else convolution(inputs, channels, 1, stride)

    def forward(self, x):
        y = self.second(functional.relu(self.first(x), inplace=True))
        return functional.relu(y + self.shortcut(x), inplace=True)


def resnet(widths, blocks):
    layers, inputs = [convolution(3, widths[0]), nn.ReLU(inplace=True)], widths[0]
    for stage, width in enumerate(widths):
        for i in range(blocks):
            layers.append(Block(inputs, width, 2 if stage and not i else 1))
            inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def vgg16():
    layers, inputs = [], 3
    for count, width in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            layers += [convolution(inputs, width), nn.ReLU(inplace=True)]
            inputs = width
        layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    for _ in range(2):
        norm = nn.BatchNorm1d(512, eps=1e-3, momentum=0.01)
        layers += [nn.Linear(512, 512), norm, nn.ReLU(inplace=True), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(512, 10))


NETWORKS = {
    "resnet20": lambda: resnet((16, 32, 64), 3),
    "resnet18": lambda: resnet((64, 128, 256, 512), 2),
    "vgg16": vgg16,
}


def main():
    name, batch, times, mode, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = NETWORKS[name]()
    x, labels = torch.rand(batch, 3, 32, 32) * 2 - 1, torch.arange(batch) % 10
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def train():
        optimizer.zero_grad()
        functional.cross_entropy(network(x), labels).backward()
        optimizer.step()

    def infer():
        with torch.no_grad():
            network(x)

    network.train(mode == "train")
    step, seconds = train if mode == "train" else infer, []
    for _ in range(times + 1):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "least": min(seconds)}))


if __name__ == "__main__":
    main()
