"""Networks of many kinds, small and untrained, each with an input: what surgery must stand."""

import torch
from torch import nn
from torch.nn import functional as F

from fitwell.models.cnn import cnn
from fitwell.models.mlp import mlp


class Functional(nn.Module):
    """Activations that are functions, not modules."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.out = nn.Linear(5, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(torch.relu(self.second(F.gelu(self.first(x)))))


class Tied(nn.Module):
    """An autoencoder whose two layers share one weight, and a reader of its code."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(5, 5, bias=False)
        self.act = nn.ReLU()
        self.decode = nn.Linear(5, 5, bias=False)
        self.decode.weight = self.encode.weight
        self.out = nn.Linear(5, 3)

    def forward(self, x):
        return self.out(self.act(self.decode(self.act(self.encode(x)))))


class Block(nn.Module):
    """Two convolutions beside a skip, as in a ResNet, with functions as activations."""

    def __init__(self, channels):
        super().__init__()
        self.one = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm_one = nn.BatchNorm2d(channels)
        self.two = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm_two = nn.BatchNorm2d(channels)

    def forward(self, x):
        inner = F.relu(self.norm_one(self.one(x)))
        return F.relu(x + self.norm_two(self.two(inner)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.blocks = nn.Sequential(Block(6), Block(6))
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.blocks(F.relu(self.stem(x)))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Recurrent(nn.Module):
    def __init__(self, kind, layers=1):
        super().__init__()
        self.rnn = kind(5, 7, num_layers=layers, batch_first=True, bidirectional=layers > 1)
        self.head = nn.Linear(7 * (1 + (layers > 1)), 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.LSTMCell(5, 7), nn.Linear(7, 3)

    def forward(self, x):
        h = c = x.new_zeros(len(x), 7)
        for step in range(x.shape[1]):
            h, c = self.cell(x[:, step], (h, c))
        return self.head(h)


class Attention(nn.Module):
    def __init__(self, kdim=None):
        super().__init__()
        self.into = nn.Linear(5, 8)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True, kdim=kdim, vdim=kdim)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        keys = x if self.attend.kdim == 5 else self.into(x)
        mixed, _ = self.attend(torch.tanh(self.into(x)), keys, keys, need_weights=False)
        return self.head(mixed.mean(dim=1))


class Encoder(nn.Module):
    """Two of torch's own transformer layers."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
        self.into = nn.Linear(5, 8)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.body(self.into(x)).mean(dim=1))


class Siamese(nn.Module):
    """One branch that is called twice."""

    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head((self.branch(x) - self.branch(-x)).abs())


class Dictionary(nn.Module):
    """Layers in a ModuleDict and a ModuleList."""

    def __init__(self):
        super().__init__()
        self.named = nn.ModuleDict({"into": nn.Linear(5, 8), "act": nn.SiLU()})
        self.listed = nn.ModuleList([nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3)])

    def forward(self, x):
        x = self.named["act"](self.named["into"](x))
        for layer in self.listed:
            x = layer(x)
        return x


class Words(nn.Module):
    """Embeddings of words, summed."""

    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(20, 8)
        self.hidden, self.act, self.head = nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.act(self.hidden(self.bag(x))))


def upsampling():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.ConvTranspose2d(4, 4, 3), nn.ELU(),
        nn.Flatten(), nn.Linear(100, 3),
    )  # fmt: skip


def one_dimension():
    return nn.Sequential(nn.Conv1d(2, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3))


def three_dimensions():
    return nn.Sequential(nn.Conv3d(1, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


def one_relu_for_all():
    act = nn.ReLU()
    return nn.Sequential(nn.Linear(5, 8), act, nn.Linear(8, 8), act, nn.Linear(8, 3))


def with_dropout():
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))


class Logits(nn.Module):
    """A model of the transformers library as one that takes a tensor and gives one."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).logits


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=16, num_labels=3,
    )  # fmt: skip
    return Logits(BertForSequenceClassification(config))


def gpt():
    from transformers import GPT2Config, GPT2ForSequenceClassification

    config = GPT2Config(
        vocab_size=20, n_embd=8, n_layer=2, n_head=2, n_positions=16, num_labels=3, pad_token_id=0
    )
    return Logits(GPT2ForSequenceClassification(config))


def vit():
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        image_size=8, patch_size=4, num_channels=1, hidden_size=8, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=16, num_labels=3,
    )  # fmt: skip
    return Logits(ViTForImageClassification(config))


def numbers(*shape):
    return lambda: torch.randn(shape)


def words():
    return torch.randint(0, 20, (4, 6))


NETWORKS = {
    "mlp": (lambda: mlp(5, 3, widths=(8, 8)), numbers(4, 5)),
    "selu": (lambda: mlp(5, 3, widths=(8,), activation="selu"), numbers(4, 5)),
    "cnn": (lambda: cnn((1, 8, 8), 3, widths=(4, 4), hidden=6), numbers(4, 1, 8, 8)),
    "resnet": (ResNet, numbers(4, 1, 8, 8)),
    "conv 1d": (one_dimension, numbers(4, 2, 8)),
    "conv 3d": (three_dimensions, numbers(4, 1, 3, 3, 3)),
    "transposed convolution": (upsampling, numbers(4, 1, 8, 8)),
    "functional": (Functional, numbers(4, 5)),
    "tied": (Tied, numbers(4, 5)),
    "siamese": (Siamese, numbers(4, 5)),
    "module list and dict": (Dictionary, numbers(4, 5)),
    "with dropout": (with_dropout, numbers(4, 5)),
    "one relu for all": (one_relu_for_all, numbers(4, 5)),
    "rnn": (lambda: Recurrent(nn.RNN), numbers(4, 6, 5)),
    "lstm": (lambda: Recurrent(nn.LSTM), numbers(4, 6, 5)),
    "stacked gru": (lambda: Recurrent(nn.GRU, layers=2), numbers(4, 6, 5)),
    "lstm cell": (Cell, numbers(4, 6, 5)),
    "attention": (Attention, numbers(4, 6, 5)),
    "attention to other widths": (lambda: Attention(kdim=5), numbers(4, 6, 5)),
    "transformer encoder": (Encoder, numbers(4, 6, 5)),
    "embedding bag": (Words, words),
    "bert": (bert, words),
    "gpt": (gpt, words),
    "vit": (vit, numbers(4, 1, 8, 8)),
}
"""For each kind how it is made, and how an input for it."""
