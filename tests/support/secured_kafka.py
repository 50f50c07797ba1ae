"""A broker that wants TLS and a password, with a certificate of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hub.child import HOST
from hub.kafka.broker import Broker

USER, PASSWORD = "concord", "only for this test"
_STORE_PASSWORD = "changeit"
_SETTINGS = """
listeners=SASL_SSL://{host}:{port},CONTROLLER://{host}:{controller}
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_SSL
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=\\
  org.apache.kafka.common.security.plain.PlainLoginModule required \\
  username="broker" password="{password}" user_broker="{password}" user_{user}="{password}";
ssl.keystore.type=PKCS12
ssl.keystore.location={store}
ssl.keystore.password={store_password}
ssl.key.password={store_password}
ssl.truststore.type=PEM
ssl.truststore.location={certificate}
"""


class SecuredBroker(Broker):
    """The same broker behind another listener; `ca_file` vouches for it."""

    ca_file: Path

    def _write_settings(self, folder: Path) -> Path:
        path = super()._write_settings(folder)
        store, self.ca_file = folder / "broker.p12", folder / "broker.pem"
        _keytool(
            *("-genkeypair", "-keystore", str(store), "-storetype", "PKCS12", "-keyalg", "RSA"),
            *("-dname", "CN=localhost", "-ext", f"san=ip:{HOST}", "-validity", "2"),
        )
        _keytool("-exportcert", "-rfc", "-keystore", str(store), "-file", str(self.ca_file))
        told = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
        controller = told["listeners"].rpartition(":")[2]
        with path.open("a") as settings:
            settings.write(
                _SETTINGS.format(
                    host=HOST,
                    port=self._port,
                    controller=controller,
                    user=USER,
                    password=PASSWORD,
                    store=store,
                    certificate=self.ca_file,
                    store_password=_STORE_PASSWORD,
                )
            )
        return path


def _keytool(*arguments: str) -> None:
    command = ["keytool", *arguments, "-alias", "broker", "-storepass", _STORE_PASSWORD]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
