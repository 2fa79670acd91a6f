%% What an agent of another hub says twice is delivered once (docs/federation.md). aiox/cli/stack/federation.py compiles it.
%%
%% Streams between servers acknowledge nothing. When one breaks, the hub that has sent an answer cannot know whether it came,
%% and sends it again, under the same origin-id (XEP-0359): a UUID of version 5. Here the second one ends. Bounded: of the
%% newest ?GENERATION to twice as many. What was forgotten is archived once all the same, by an index of the archive.
-module(mod_aiox_once).
-behaviour(gen_mod).
-behaviour(gen_server).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_doc/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-export([s2s_receive_packet/1]).

-define(TURN, 50).
-define(GENERATION, 50000).
-define(AGENTS, "agents.").

start(Host, Opts) -> gen_mod:start_child(?MODULE, Host, Opts).

stop(Host) -> gen_mod:stop_child(?MODULE, Host).

reload(_Host, _NewOpts, _OldOpts) -> ok.

depends(_Host, _Opts) -> [].

mod_options(_Host) -> [].

mod_doc() -> #{}.

init([Host, _Opts]) ->
    process_flag(trap_exit, true),
    ejabberd_hooks:add(s2s_receive_packet, Host, ?MODULE, s2s_receive_packet, ?TURN),
    {ok, {Host, #{}, #{}}}.

terminate(_Reason, {Host, _, _}) ->
    ejabberd_hooks:delete(s2s_receive_packet, Host, ?MODULE, s2s_receive_packet, ?TURN).

handle_call({is_new, Key}, _From, {Host, New, Old} = State) ->
    case is_map_key(Key, New) orelse is_map_key(Key, Old) of
        true -> {reply, false, State};
        false -> {reply, true, grown(Host, New#{Key => seen}, Old)}
    end.

handle_cast(_, State) -> {noreply, State}.

handle_info(_, State) -> {noreply, State}.

grown(Host, New, _Old) when map_size(New) >= ?GENERATION -> {Host, #{}, New};
grown(Host, New, Old) -> {Host, New, Old}.

s2s_receive_packet({drop, _State} = Done) ->
    Done;
s2s_receive_packet({Packet, #{server_host := Host} = State} = Taken) when element(1, Packet) =:= message ->
    case key(Packet, Host) of
        none -> Taken;
        Key -> once(Key, Host, Taken, State)
    end;
s2s_receive_packet(Taken) ->
    Taken.

%% When nobody answers it is delivered: twice is better than never.
once(Key, Host, Taken, State) ->
    case catch gen_server:call(gen_mod:get_module_proc(Host, ?MODULE), {is_new, Key}) of
        false -> {stop, {drop, State}};
        _ -> Taken
    end.

%% None for what is no answer of an agent to one of our people: others may send the same id again and mean it.
key(Packet, Host) ->
    {To, Where, _} = jid:tolower(xmpp:get_to(Packet)),
    {From, Home, _} = jid:tolower(xmpp:get_from(Packet)),
    case {Where, Home, lists:member(xmpp:get_type(Packet), [chat, normal]), xmpp:get_subtag(Packet, {origin_id, <<>>})} of
        {Host, <<?AGENTS, _/binary>>, true, {origin_id, Id}} -> key(From, Home, To, Id);
        _ -> none
    end.

key(From, Home, To, <<_:8/binary, $-, _:4/binary, $-, $5, _/binary>> = Id) when byte_size(Id) < 64 ->
    erlang:md5([From, 0, Home, 0, To, 0, Id]);
key(_, _, _, _) ->
    none.
