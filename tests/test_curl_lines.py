"""Textko's documented curl lines, as they are printed, against our server.

Only the two placeholders are filled in; the documented host is led to this machine by curl's own
`connect-to`, over TLS with a throw-away authority.
"""

import asyncio
import json
from pathlib import Path

import pytest
import trustme

from tests.servers import running_server
from textko_server.clock import Clock
from textko_server.config import ServerSettings

HOST = "api.textko.dev"
QUICKSTART = """\
curl -X POST https://api.textko.dev/api/v1/gateway/devices/YOUR_DEVICE_ID/send-sms \\
-H "Authorization: Bearer YOUR_JWT_OR_API_KEY" \\
-H "Content-Type: application/json" \\
-d '{"recipients": ["+251912345678"], "message": "Hello from Textko!"}'"""
SEND_MESSAGE = """\
curl -X POST https://api.textko.dev/api/v1/gateway/devices/YOUR_DEVICE_ID/send-sms \\
-H "Authorization: Bearer YOUR_JWT_OR_API_KEY" \\
-H "Content-Type: application/json" \\
-d '{
"recipients": ["+251912345678"],
"message": "Hello from Textko!"
}'"""


@pytest.mark.parametrize("line", [QUICKSTART, SEND_MESSAGE], ids=["quickstart", "send message"])
@pytest.mark.parametrize("with_jwt", [False, True], ids=["API key", "JWT"])
async def test_documented_curl_line_sends_a_text(tmp_path: Path, line: str, with_jwt: bool) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert(HOST)
    key_file, chain_file = tmp_path / "key.pem", tmp_path / "chain.pem"
    certificate.private_key_pem.write_to_path(str(key_file))
    for part in certificate.cert_chain_pems:
        part.write_to_path(str(chain_file), append=True)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    tls = ServerSettings(
        data_dir=tmp_path / "data",
        listen="127.0.0.1:0",
        tls_cert=str(chain_file),
        tls_key=str(key_file),
    )
    async with running_server(tmp_path / "data", clock=Clock(), server=tls) as server:
        (tmp_path / ".curlrc").write_text(
            f'connect-to = "{HOST}:443:127.0.0.1:{server.server.port}"\n'
            f'cacert = "{tmp_path / "authority.pem"}"\nsilent\n'
        )
        person = server.regular
        command = line.replace("YOUR_DEVICE_ID", person.device_id).replace(
            "YOUR_JWT_OR_API_KEY", person.jwt if with_jwt else person.key
        )
        process = await asyncio.create_subprocess_shell(
            command,
            env={"CURL_HOME": str(tmp_path), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()

        assert process.returncode == 0
        answer = json.loads(printed)["data"]
        assert answer["success"] is True
        assert (answer["recipientCount"], len(answer["smsBatchId"])) == (1, 24)
