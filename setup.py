"""Package henbd: the management agent of an LTE Home eNodeB."""

import os
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = "0.1.0"


class Build(build_py):
    """Keeps when the program was built: a clock of the box that shows less is not set.

    Reproducible: it is the date of the sources, unless the builder says it himself
    (reproducible-builds.org/specs/source-date-epoch).
    """

    def run(self):
        super().run()
        if self.editable_mode:
            return
        sources = [file.stat().st_mtime for file in (HERE / "henbd").rglob("*.py")]
        at = os.environ.get("SOURCE_DATE_EPOCH") or int(max(sources))
        Path(self.build_lib, "henbd", "built").write_text(f"{at}\n", encoding="ascii")


COMMANDS = {"build_py": Build}

setup(
    cmdclass=COMMANDS,
    name="henbd",
    version=VERSION,
    description="Management agent of an LTE Home eNodeB: TR-069, IPsec and S1 registration",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["henbd", "henbd.*"]),
    package_data={
        "henbd": [
            "py.typed",
            "model/tables/*.tsv",
            "system/s1ap/*.md",
            "system/s1ap/samples/*",
        ]
    },
    install_requires=[
        "lxml>=4.9",
        "pyroute2>=0.7.9",
        "requests>=2.28",
        "sdnotify>=0.3.2",
        "vici>=6.0.3",
    ],
    extras_require={
        "dev": [
            # Guides `make fuzz`; where there is none, its own mutations are blind.
            "atheris>=3.0; python_version < '3.15' and platform_machine == 'x86_64'",
            "hypothesis>=6.100",
            "lxml-stubs>=0.5",
            "mypy>=1.10",
            "pycrate>=0.7",
            "pytest>=8.0",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.5",
            "ruff>=0.6",
            "types-requests>=2.28",
        ],
    },
    entry_points={"console_scripts": ["henbd = henbd.cli:main"]},
)
