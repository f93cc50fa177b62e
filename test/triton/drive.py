"""Drives a server with Triton's own HTTP client, and prints what it answers as JSON.

Usage: drive.py HOST:PORT PICTURE
"""
import asyncio
import base64
import json
import sys

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException

MODEL = 'resnet18'


def given(name, array, datatype, binary=True):
    tensor = http.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return {'status': error.status(), 'message': error.message()}
    return None


def main(url, picture):
    client = http.InferenceServerClient(url, concurrency=4)
    with open(picture, 'rb') as file:
        encoded = file.read()
    # Numbers that another program can make again: (i mod 251) / 125 - 1.
    floats = ((np.arange(2 * 3 * 32 * 32) % 251) / 125 - 1).astype(np.float32).reshape(2, 3, 32, 32)
    pixels = (np.arange(2 * 32 * 32 * 3) % 251).astype(np.uint8).reshape(2, 32, 32, 3)
    logits = lambda **more: [http.InferRequestedOutput('logits', **more)]

    def infer(inputs, **more):
        return client.infer(MODEL, inputs, **more).as_numpy('logits')

    numbers = lambda array: array.astype(np.float64).tolist()
    texts = lambda array: [[value.decode() if isinstance(value, bytes) else value for value in row] for row in array]

    out = {}
    out['live'] = client.is_server_live()
    out['ready'] = client.is_server_ready()
    out['model_ready'] = [client.is_model_ready(MODEL), client.is_model_ready(MODEL, '1'), client.is_model_ready('other')]
    out['server'] = client.get_server_metadata()
    out['model'] = client.get_model_metadata(MODEL)
    out['binary'] = numbers(infer([given('input', floats, 'FP32')]))
    out['json'] = numbers(infer([given('input', floats, 'FP32', False)], outputs=logits(binary_data=False)))
    out['mixed'] = numbers(infer([given('input', floats, 'FP32', False)], outputs=logits(binary_data=True)))
    for way in ['gzip', 'deflate']:
        out[way] = numbers(infer([given('input', floats, 'FP32')], request_compression_algorithm=way,
                                 response_compression_algorithm=way))
    out['gzip_json'] = numbers(infer([given('input', floats, 'FP32', False)], request_compression_algorithm='gzip'))
    raw = client._post(f'v2/models/{MODEL}/infer', encoded, {'Inference-Header-Content-Length': '0'}, None)
    length = int(raw.get('inference-header-content-length'))
    out['raw'] = [numbers(np.frombuffer(raw.read()[length:], np.float32))]
    out['config'] = client.get_model_config(MODEL)
    out['index'] = client.get_model_repository_index()
    out['pixels'] = numbers(infer([given('pixels', pixels, 'UINT8')]))
    out['pixels_json'] = numbers(infer([given('pixels', pixels, 'UINT8', False)]))
    images = np.array([encoded, encoded], dtype=np.object_)
    out['image'] = numbers(infer([given('image', images, 'BYTES')]))
    in_base64 = np.array([base64.b64encode(encoded)] * 2, dtype=np.object_)
    out['image_json'] = numbers(infer([given('image', in_base64, 'BYTES', False)]))
    out['top'] = texts(infer([given('input', floats, 'FP32')], outputs=logits(class_count=3)))
    out['top_json'] = texts(infer([given('input', floats, 'FP32')], outputs=logits(class_count=3, binary_data=False)))
    softmax = infer([given('input', floats, 'FP32')], parameters={'softmax': True})
    out['softmax'] = numbers(softmax.sum(axis=1))
    response = client.infer(MODEL, [given('input', floats, 'FP32')], request_id='seven', model_version='1').get_response()
    out['response'] = [response['id'], response['model_name'], response['model_version']]
    pending = [client.async_infer(MODEL, [given('input', floats[i % 2:i % 2 + 1], 'FP32')]) for i in range(8)]
    out['async'] = [numbers(one.get_result().as_numpy('logits'))[0] for one in pending]

    async def aio_infer():
        async with aio.InferenceServerClient(url) as asynchronous:
            results = await asyncio.gather(*[
                asynchronous.infer(MODEL, [given('input', floats[i % 2:i % 2 + 1], 'FP32')]) for i in range(8)
            ])
            return [numbers(result.as_numpy('logits'))[0] for result in results]

    out['aio'] = asyncio.run(aio_infer())

    async def aio_gzip():
        async with aio.InferenceServerClient(url) as asynchronous:
            result = await asynchronous.infer(
                MODEL, [given('input', floats, 'FP32')], request_compression_algorithm='gzip')
            return numbers(result.as_numpy('logits'))

    out['aio_gzip'] = asyncio.run(aio_gzip())
    out['statistics'] = client.get_inference_statistics(MODEL)
    out['all_statistics'] = client.get_inference_statistics()
    out['errors'] = {
        'model': refused(lambda: client.infer('other', [given('input', floats, 'FP32')])),
        'version': refused(lambda: client.infer(MODEL, [given('input', floats, 'FP32')], model_version='2')),
        'shape': refused(lambda: infer([given('input', floats[:, :2], 'FP32')])),
        'datatype': refused(lambda: infer([given('input', floats.astype(np.float64), 'FP64')])),
        'picture': refused(lambda: infer([given('image', np.array([b'none'], dtype=np.object_), 'BYTES')])),
        'two': refused(lambda: infer([given('input', floats, 'FP32'), given('pixels', pixels, 'UINT8')])),
        'output': refused(lambda: infer([given('input', floats, 'FP32')], outputs=[http.InferRequestedOutput('x')])),
        'timeout': refused(lambda: infer([given('input', np.zeros((8, 3, 512, 512), np.float32), 'FP32')], timeout=1000)),
    }
    print(json.dumps(out))


main(*sys.argv[1:])
