"""Groups of parameters with optimizers and rates of their own, frozen ones, and averages of weights: torch.optim's optimizers
where it has them (SGD, Adam, AdamW, AveragedModel), the authors' published code where it has none (Muon, Lookahead)."""
import torch
from torch.optim.swa_utils import AveragedModel


class Plain:
    """One optimizer on all parameters."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def trained(self, _):
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def step(self, _):
        self.optimizer.step()

    def use_averages(self):
        pass


class Updates:
    def __init__(self, net, updates):
        self.net = net
        self.groups = [(group, make(group["rule"], [net.parameters[name] for name in group["parameters"]])) for group in updates["groups"]]
        kind, settings = next(iter((updates["average"] or {"none": None}).items()))
        self.average = {"none": Without, "lookahead": Lookahead, "stochastic": Stochastic}[kind](net, settings, updates)

    def trained(self, step):
        return [p for _, optimizer in self.active(step) for group in optimizer.param_groups for p in group["params"]]

    def active(self, step):
        """The groups that are not frozen at `step`, which counts from 0."""
        return [
            (group, optimizer) for group, optimizer in self.groups
            if group["trainedSteps"] is None or step < group["trainedSteps"]
        ]

    def step(self, step):
        for group, optimizer in self.active(step):
            for parameters in optimizer.param_groups:
                parameters["lr"] = group["rates"][step]
            optimizer.step()
        self.average.update(step + 1)

    def use_averages(self):
        self.average.use()


def make(rule, parameters):
    kind, decay = rule["kind"], rule["weightDecay"]
    if kind == "muon":
        return Muon(parameters, rule)
    if kind == "sgd":
        make_sgd = SGDW if rule["decoupled"] else torch.optim.SGD
        return make_sgd(parameters, lr=1, momentum=rule["momentum"], nesterov=rule["nesterov"], weight_decay=decay)
    make_adam = torch.optim.AdamW if rule["decoupled"] else torch.optim.Adam
    return make_adam(parameters, lr=1, betas=(rule["beta1"], rule["beta2"]), eps=rule["eps"], weight_decay=decay)


class SGDW(torch.optim.SGD):
    """Loshchilov and Hutter 2017, algorithm 1."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            decay, group["weight_decay"] = group["weight_decay"], 0
            for p in group["params"]:
                p.mul_(1 - group["lr"] * decay)
        super().step()
        for group in self.param_groups:
            group["weight_decay"] = decay


def zeropower_via_newtonschulz5(G, steps, eps=1e-7):
    """github.com/KellerJordan/cifar10-airbench, airbench94_muon.py, without its bfloat16."""
    a, b, c = (3.4445, -4.7750, 2.0315)
    X = G / (G.norm() + eps)
    if G.size(0) > G.size(1):
        X = X.T
    for _ in range(steps):
        A = X @ X.T
        B = b * A + c * A @ A
        X = a * X + B @ X
    if G.size(0) > G.size(1):
        X = X.T
    return X


class Muon(torch.optim.Optimizer):
    """The same file's, with the step's scale and the decay of github.com/KellerJordan/Muon."""

    def __init__(self, parameters, rule):
        super().__init__(parameters, dict(lr=1))
        self.rule = rule

    @torch.no_grad()
    def step(self):
        rule = self.rule
        for group in self.param_groups:
            lr, momentum = group["lr"], rule["momentum"]
            for p in group["params"]:
                # netc's filters are [height, width, in, out]; Muon's matrix is [out, all else]
                outputs = p.shape[-1]
                g = p.grad
                state = self.state[p]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(g)
                buf = state["momentum_buffer"]
                buf.mul_(momentum).add_(g)
                g = g.add(buf, alpha=momentum) if rule["nesterov"] else buf
                if rule["normalizeWeights"]:
                    p.mul_(outputs**0.5 / p.norm())
                matrix = g.reshape(-1, outputs).T
                update = zeropower_via_newtonschulz5(matrix, rule["iterations"])
                update = update * max(1, update.size(-2) / update.size(-1)) ** 0.5
                p.mul_(1 - lr * rule["weightDecay"])
                p.add_(update.T.reshape(p.shape), alpha=-lr)


class Without:
    def __init__(self, *_):
        pass

    def update(self, _):
        pass

    def use(self):
        pass


class Lookahead:
    """github.com/KellerJordan/cifar10-airbench, airbench94.py: LookaheadState, alpha_schedule and the steps that use them."""

    def __init__(self, net, settings, updates):
        self.net, self.settings, self.total = net, settings, updates["total"]
        self.net_ema = {name: tensor.detach().clone() for name, tensor in tensors_of(net)}

    @torch.no_grad()
    def update(self, step):
        if step % self.settings["every_steps"] != 0:
            return
        decay = self.settings["decay"] * (step / self.total) ** self.settings["power"]
        for name, net_param in tensors_of(self.net):
            self.net_ema[name].lerp_(net_param, 1 - decay)
            net_param.copy_(self.net_ema[name])

    @torch.no_grad()
    def use(self):
        for name, net_param in tensors_of(self.net):
            net_param.copy_(self.net_ema[name])


class Stochastic:
    """torch.optim.swa_utils.AveragedModel over parameters and buffers."""

    def __init__(self, net, settings, updates):
        self.net = net
        self.first = max(1, round(settings["from_epoch"] * updates["stepsPerEpoch"]))
        self.every = settings["every_steps"]
        self.module = Holder(net)
        self.averaged = AveragedModel(self.module, use_buffers=True)

    def update(self, step):
        if step >= self.first and (step - self.first) % self.every == 0:
            self.averaged.update_parameters(self.module)

    @torch.no_grad()
    def use(self):
        for (_, own), averaged in zip(tensors_of(self.net), self.averaged.module.tensors()):
            own.copy_(averaged)


class Holder(torch.nn.Module):
    """All tensors of a net as a module's, sharing their storage."""

    def __init__(self, net):
        super().__init__()
        for index, (_, tensor) in enumerate(tensors_of(net)):
            if tensor.requires_grad:
                self.register_parameter(f"t{index}", torch.nn.Parameter(tensor.detach()))
            else:
                self.register_buffer(f"t{index}", tensor)
        self.count = index + 1

    def tensors(self):
        return [getattr(self, f"t{index}") for index in range(self.count)]


def tensors_of(net):
    return [*net.parameters.items(), *net.statistics.items()]
