"""Calls a server with NVIDIA's client, as its users do; prints what came as JSON."""

import json
import queue
import sys

import numpy as np
import tritonclient.grpc as triton

client = triton.InferenceServerClient(sys.argv[1])


def tensor(name, values):
    made = triton.InferInput(name, [len(values), 1], "FP64")
    made.set_data_from_numpy(np.array(values, dtype=np.float64).reshape(-1, 1))
    return made


ROWS = {"feature_search_interest": 61.2, "feature_price": 101.3, "feature_promo": 1}
inputs = [tensor(name, [value, value]) for name, value in ROWS.items()]
replies = queue.Queue()

answered = client.infer("demand", inputs, request_id="q", client_timeout=10, timeout=5_000_000)
try:
    client.infer("none", inputs)
    refused = "taken"
except triton.InferenceServerException as error:
    refused = error.status()
client.start_stream(lambda result, error: replies.put(str(error) if error else result.get_response().id))
for name in ("demand", "none", "demand"):
    client.async_stream_infer(name, inputs, request_id=name)
streamed = [replies.get(timeout=10) for _ in range(3)]
client.stop_stream()

print(
    json.dumps(
        {
            "ready": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("demand")],
            "rows": client.get_model_config("demand", as_json=True)["config"]["max_batch_size"],
            "prediction": answered.as_numpy("prediction").tolist(),
            "refused": refused,
            "streamed": streamed,
        }
    )
)
