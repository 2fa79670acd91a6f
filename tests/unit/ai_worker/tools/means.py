"""What tools act with, in tests: the real things, which reach nothing but the public Internet."""

from __future__ import annotations

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.tools.port import Means
from aiox.runtime.clock import SystemClock
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress

MEANS = Means(Bubblewrap(SystemClock()), Egress(Reach()), Reach())
