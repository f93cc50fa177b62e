"""Writes torchvision.json: what torchvision 0.29.2 makes of small pictures by the plans of `augment`.

    pip install torch==2.15.0 torchvision==0.29.2 numpy
    python make_torchvision.py > torchvision.json && npx prettier --write torchvision.json
"""

import base64
import json
import warnings

import numpy
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import TrivialAugmentWide, functional as F

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


if __name__ == '__main__':
    warnings.simplefilter('ignore')
    height, width = 16, 20
    cases = [
        {'picture': kind, 'plan': made,
         'expected': base64.b64encode(augmented(picture(kind, height, width), made).tobytes()).decode()}
        for kind, made in plans()
    ]
    space = {operation: magnitudes(name) for operation, name in OPERATIONS.items()}
    lines = ',\n'.join(json.dumps(case) for case in cases)
    print(f'{{"height": {height}, "width": {width},\n"space": {json.dumps(space)},\n"cases": [\n{lines}\n]}}')
