"""Calls a model's typed service by a client that grpcio-tools makes of the proto that the server gave.

Arguments: the address, and a folder with ``model.proto``. A request in protobuf's JSON is a line in, the values and
probabilities of its reply a line out.
"""

import importlib
import json
import sys

import grpc
from google.protobuf import json_format
from grpc_tools import protoc

address, folder = sys.argv[1:]
options = [f"--proto_path={folder}", f"--python_out={folder}", f"--grpc_python_out={folder}", "model.proto"]
if protoc.main(["protoc", *options]) != 0:
    sys.exit("the proto doesn't compile")
sys.path.insert(0, folder)
messages = importlib.import_module("model_pb2")
services = importlib.import_module("model_pb2_grpc")

with grpc.insecure_channel(address) as channel:
    client = services.PredictorStub(channel)
    for line in sys.stdin:
        reply = client.Predict(json_format.Parse(line, messages.PredictRequest()), timeout=60)
        has_probabilities = "probabilities" in messages.Prediction.DESCRIPTOR.fields_by_name
        answer = {"predictions": [one.value for one in reply.predictions]}
        if has_probabilities:
            answer["probabilities"] = [dict(one.probabilities) for one in reply.predictions]
        print(json.dumps(answer))
