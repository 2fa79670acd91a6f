"""Everything in one run on one machine: `make bench ARGS=whole`.

`run` asks for the parts one after the other: `echoes` (a bare component, SPADE and the hub, side by side), `models`
(the hub with memory and a slow model beside the LiteLLM proxy), `thousand` (1,000 agents at 10,000 messages a minute)
and `growth` (few and many agents and memories). Each writes what it saw into `bench/results/whole` as it sees it;
`page` makes docs/performance.md of that.
"""
