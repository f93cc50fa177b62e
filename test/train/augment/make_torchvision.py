"""Writes torchvision.json: what torchvision 0.29.2 makes of small pictures by the plans of `augment`, and the means and
standard deviations of what it draws.

    pip install torch==2.15.0 torchvision==0.29.2 numpy
    python make_torchvision.py > torchvision.json && npx prettier --write torchvision.json
"""

import base64
import json
import warnings

import numpy
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import CutMix, MixUp, RandomErasing, RandomResizedCrop, TrivialAugmentWide
from torchvision.transforms.v2 import functional as F

JITTER = {
    'brightness': F.adjust_brightness,
    'contrast': F.adjust_contrast,
    'saturation': F.adjust_saturation,
    'hue': F.adjust_hue,
}
OPERATIONS = {name[0].lower() + name[1:]: name for name in TrivialAugmentWide._AUGMENTATION_SPACE}
SIZE = 12


def picture(kind, height, width):
    """uint8 [height, width, 3]; augment.test.ts has the same formula."""
    y, x, c = numpy.mgrid[:height, :width, :3]
    if kind == 'noise':
        return ((x * x * 7 + y * x * 13 + y * y * 3 + x * 29 + c * 89) ^ (x * y * 5)).astype(numpy.uint8)
    return (50 + (x * 5 + y * 3 + c * (20 + x)) % 120).astype(numpy.uint8)


def augmented(pixels, plan):
    """uint8 [size, size, 3]"""
    image = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
    top, left, height, width = plan['box']
    size = [plan['size'], plan['size']]
    mode = InterpolationMode(plan['interpolation'])
    image = F.resized_crop(image, top, left, height, width, size, mode, antialias=True)
    if plan['flip']:
        image = F.horizontal_flip(image)
    jitter = plan.get('jitter', {'order': []})
    for name in jitter['order']:
        image = JITTER[name](image, jitter[name])
    if 'trivial' in plan:
        image = TrivialAugmentWide()._apply_image_or_video_transform(
            image, OPERATIONS[plan['trivial']['operation']], plan['trivial']['magnitude'], 'nearest', {})
    if 'erase' in plan:
        value = torch.tensor(plan['erase']['value'], dtype=torch.uint8)[:, None, None]
        image = F.erase(image, *plan['erase']['box'], value)
    return image.permute(1, 2, 0).contiguous().numpy()


def plan(box=(0, 0, SIZE, SIZE), size=SIZE, interpolation='bilinear', flip=False, **rest):
    return {'box': list(box), 'size': size, 'interpolation': interpolation, 'flip': flip, **rest}


def magnitudes(name):
    bins, signed = TrivialAugmentWide._AUGMENTATION_SPACE[name]
    values = bins(31, 0, 0)
    return {'bins': None if values is None else [float(value) for value in values], 'signed': signed}


def plans():
    for interpolation in ['bilinear', 'bicubic']:
        for box in [(0, 0, 16, 20), (3, 4, 9, 7), (15, 19, 1, 1), (0, 12, 16, 8), (10, 0, 6, 20), (5, 5, 1, 11)]:
            yield 'noise', plan(box, interpolation=interpolation)
    yield 'noise', plan((2, 3, 11, 13), size=7, flip=True)
    yield 'noise', plan((1, 1, 14, 14), size=1)
    for name, factors in [
        ('brightness', [0.0, 0.4, 1.0, 1.37, 3.0]),
        ('contrast', [0.0, 0.4, 1.0, 1.37, 3.0]),
        ('saturation', [0.0, 0.4, 1.0, 1.37, 3.0]),
        ('hue', [-0.5, -0.21, 0.0, 0.08, 0.33, 0.5]),
    ]:
        for factor in factors:
            yield 'noise', plan(jitter={'order': [name], name: factor})
        yield 'smooth', plan(jitter={'order': [name], name: factors[1]})
    names = list(JITTER)
    for turn in range(4):
        order = names[turn:] + names[:turn]
        yield 'smooth', plan(
            jitter={'order': order, 'brightness': 0.8, 'contrast': 1.2, 'saturation': 0.7, 'hue': 0.07})
    for operation, name in OPERATIONS.items():
        bins, signed = magnitudes(name).values()
        values = [0.0] if bins is None else [bins[i] for i in [0, 1, 10, 20, 27, 30]]
        for value in sorted({sign * value for value in values for sign in ([1, -1] if signed else [1])}):
            for kind in ['noise', 'smooth'] if bins is None else ['noise']:
                yield kind, plan(trivial={'operation': operation, 'magnitude': value})
    for value in [bins * sign for bins in [49.5, 45.0, 90.0, 135.0] for sign in [1, -1]]:
        yield 'noise', plan(size=11, trivial={'operation': 'rotate', 'magnitude': value})
    yield 'smooth', plan(erase={'box': [0, 0, SIZE, 1], 'value': [1, 2, 3]})
    yield 'smooth', plan(erase={'box': [7, 5, 5, 7], 'value': [124, 116, 104]})
    yield 'noise', plan((1, 2, 13, 17), interpolation='bicubic', flip=True,
                        jitter={'order': ['hue', 'contrast'], 'hue': -0.1, 'contrast': 0.9},
                        trivial={'operation': 'shearX', 'magnitude': 0.33},
                        erase={'box': [3, 4, 2, 6], 'value': [255, 0, 9]})


def statistics():
    """Means and standard deviations of 20,000 draws."""
    torch.manual_seed(1)

    def of(draw):
        values = numpy.array([draw() for _ in range(20000)], dtype=float)
        return {'mean': values.mean(0).tolist(), 'std': values.std(0).tolist()}

    def crop(height, width, **options):
        image, transform = torch.empty(3, height, width), RandomResizedCrop(8, **options)
        return of(lambda: [transform.make_params([image])[name] for name in ['top', 'left', 'height', 'width']])

    def erased(size):
        """Share of images that are erased (p = 1), and the mean sides and places of all boxes."""
        image, transform = torch.empty(3, size, size), RandomErasing(p=1)

        def draw():
            params = transform.make_params([image])
            return [1, *(params[name] for name in 'ijhw')] if params['v'] is not None else [0] * 5
        return of(draw)

    def mixed(transform):
        """The images' own share, its square, and for CutMix the box's top, left, height and width."""
        image = torch.empty(3, 32, 32)

        def draw():
            params = transform.make_params([image])
            if 'box' not in params:
                return [params['lam'], params['lam'] ** 2]
            x1, y1, x2, y2 = params['box']
            own = params['lam_adjusted']
            return [own, own ** 2, y1, x1, y2 - y1, x2 - x1] if own < 1 else [1, 1, 0, 0, 0, 0]
        return of(draw)

    return {
        'crop': crop(375, 500),
        'narrowCrop': crop(20, 300),  # falls back to the middle now and then
        'erasing': erased(32),
        'mixup': mixed(MixUp(alpha=0.2)),
        'mixup1': mixed(MixUp(alpha=1.0)),
        'mixup4': mixed(MixUp(alpha=4.0)),
        'cutmix': mixed(CutMix(alpha=1.0)),
    }


def mixed_batches():
    """float32 [3, 3, 8, 8] and [3, 4]; mix.test.ts has the same batch."""
    x = (torch.arange(3 * 3 * 8 * 8) * 37 % 101).float().sub(50).div(32).view(3, 3, 8, 8)
    labels = torch.tensor([3, 0, 1])
    base = {'labels': labels, 'batch_size': 3}
    for transform, plan, params in [
        (MixUp(num_classes=4), {'lambda': 0.3}, {'lam': 0.3}),
        (MixUp(num_classes=4), {'lambda': 1.0}, {'lam': 1.0}),
        (CutMix(num_classes=4), {'lambda': 0.8125, 'box': [2, 4, 3, 4]}, {'lam_adjusted': 0.8125, 'box': (4, 2, 8, 5)}),
    ]:
        images, target = (transform.transform(part, {**base, **params}) for part in (x, labels))
        yield {'mix': plan, **{
            name: base64.b64encode(tensor.contiguous().numpy().tobytes()).decode()
            for name, tensor in [('images', images), ('target', target)]}}


if __name__ == '__main__':
    warnings.simplefilter('ignore')
    height, width = 16, 20
    cases = [
        {'picture': kind, 'plan': made,
         'expected': base64.b64encode(augmented(picture(kind, height, width), made).tobytes()).decode()}
        for kind, made in plans()
    ]
    space = {operation: magnitudes(name) for operation, name in OPERATIONS.items()}
    print(json.dumps({
        'height': height,
        'width': width,
        'space': space,
        'statistics': statistics(),
        'mixed': list(mixed_batches()),
        'cases': cases,
    }))
