"""Calls a server by NVIDIA's tritonclient, as its users do: one case a line in, what the client made of it a line out.

A case names a call: the name of one of the client's functions, or ``infer`` with columns of values.
"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, triton_to_np_dtype


def infer(client, model, inputs, is_binary, outputs=(), **options):
    """Return the answer's tensors, those of texts as texts."""
    tensors = []
    for name, datatype, values in inputs:
        array = np.array(values, dtype=triton_to_np_dtype(datatype))
        tensor = triton.InferInput(name, list(array.shape), datatype)
        tensor.set_data_from_numpy(array, binary_data=is_binary)
        tensors.append(tensor)
    # Without outputs the client asks for all of them, as binary data.
    wanted = [triton.InferRequestedOutput(binary_data=is_binary, **output) for output in outputs] or None
    result = client.infer(model, tensors, outputs=wanted, **options)
    response = result.get_response()
    answer = {output["name"]: plain(result.as_numpy(output["name"])) for output in response["outputs"]}
    return {"id": response.get("id"), "version": response["model_version"], "outputs": answer}


def plain(array):
    return [value.decode() if isinstance(value, bytes) else value for value in array.ravel().tolist()]


def main():
    client = triton.InferenceServerClient(sys.argv[1])
    for line in sys.stdin:
        case = json.loads(line)
        name = case.pop("call")
        try:
            answer = infer(client, **case) if name == "infer" else getattr(client, name)(**case)
        except InferenceServerException as error:
            answer = {"status": error.status(), "error": error.message()}
        print(json.dumps(answer))


main()
