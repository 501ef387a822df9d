"""How Lightning writes and reads the checkpoints of a training."""

from pathlib import Path
from typing import Any

from pytorch_lightning.plugins import TorchCheckpointIO

from convstab.runs.checkpoints import load_checkpoint, write_checkpoint


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target and renames, so that a kill leaves the earlier checkpoint whole.

    Lightning writes to the system's temporary folder first, which may be on another disk, where a move is a copy.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:  # noqa: ARG002
        """Save like TorchCheckpointIO, with a checksum, at once or not at all."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_checkpoint(Path(path), checkpoint)

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:  # noqa: ARG002
        """Load what ``save_checkpoint`` wrote, on the CPU; InputError when it is damaged."""
        return load_checkpoint(Path(path))
