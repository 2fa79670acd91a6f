%% What other servers say to the hub's agents is held to a pace here, before it costs the hub anything (docs/federation.md).
%% aiox/cli/stack/federation.py compiles it.
%%
%% The hub's component judges every stanza, and says to each stranger what there is to say, once. This is for floods: of a
%% stream of strangers all but a few stanzas a minute are dropped, and of all such streams together all but so many a second.
%% A server that an admin has named is slowed down instead: its own stream waits, nothing of it is lost. What is for people
%% and not for agents goes by.
-module(mod_aiox_strangers).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_opt_type/1, mod_doc/0]).
-export([s2s_receive_packet/1]).

-define(TURN, 40).
-define(STRANGER_BURST, 10).
-define(STRANGER_PER_SECOND, 0.2).
-define(STRANGERS_PER_SECOND, 50).
-define(PEER_BURST, 2000).
-define(PEER_PER_SECOND, 100).
-define(SLOWED_MS, 10).

start(Host, Opts) ->
    keep(Host, Opts),
    ejabberd_hooks:add(s2s_receive_packet, Host, ?MODULE, s2s_receive_packet, ?TURN),
    ok.

stop(Host) ->
    ejabberd_hooks:delete(s2s_receive_packet, Host, ?MODULE, s2s_receive_packet, ?TURN),
    ok.

reload(Host, NewOpts, _OldOpts) ->
    keep(Host, NewOpts).

depends(_Host, _Opts) -> [].

mod_options(_Host) -> [{agents, <<"">>}, {known, none}].

mod_opt_type(agents) -> econf:binary();
mod_opt_type(known) -> econf:acl().

mod_doc() -> #{}.

keep(Host, Opts) ->
    Seconds = atomics:new(2, []),
    persistent_term:put({?MODULE, Host}, {gen_mod:get_opt(agents, Opts), gen_mod:get_opt(known, Opts), Seconds}).

s2s_receive_packet({drop, _State} = Done) ->
    Done;
s2s_receive_packet({Packet, #{server_host := Host} = State} = Taken) ->
    {Agents, Known, Seconds} = persistent_term:get({?MODULE, Host}),
    case jid:tolower(xmpp:get_to(Packet)) of
        {_, Agents, _} ->
            case acl:match_rule(Host, Known, xmpp:get_from(Packet)) of
                allow -> slowed(Packet, State);
                deny -> thinned(Packet, State, Seconds)
            end;
        _ -> Taken
    end.

slowed(Packet, State) ->
    case take(aiox_peer, ?PEER_PER_SECOND, ?PEER_BURST, State) of
        {true, Taken} -> {Packet, Taken};
        {false, Slow} -> timer:sleep(?SLOWED_MS), {Packet, Slow}
    end.

thinned(Packet, State, Seconds) ->
    case take(aiox_stranger, ?STRANGER_PER_SECOND, ?STRANGER_BURST, State) of
        {true, Taken} ->
            case this_second(Seconds) =< ?STRANGERS_PER_SECOND of
                true -> {Packet, Taken};
                false -> {stop, {drop, Taken}}
            end;
        {false, Over} -> {stop, {drop, Over}}
    end.

%% A bucket of tokens that is kept in the state of the stream.
take(Name, PerSecond, Burst, State) ->
    Now = erlang:monotonic_time(millisecond),
    {Tokens, At} = maps:get(Name, State, {Burst, Now}),
    case min(Burst, Tokens + (Now - At) * PerSecond / 1000) of
        Left when Left < 1 -> {false, State#{Name => {Left, Now}}};
        Left -> {true, State#{Name => {Left - 1, Now}}}
    end.

%% How many of all strangers this one is within its second.
this_second(Seconds) ->
    Now = erlang:monotonic_time(second),
    case atomics:exchange(Seconds, 1, Now) of
        Now -> ok;
        _ -> atomics:put(Seconds, 2, 0)
    end,
    atomics:add_get(Seconds, 2, 1).
