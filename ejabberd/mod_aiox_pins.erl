%% Pinned certificates of other servers (docs/federation.md). aiox/cli/stack/federation.py compiles it and writes its file.
%%
%% ejabberd believes whatever any of its authorities has signed. Here each pinned certificate counts for its own domain
%% and for no other: a server with a pin is believed with that certificate, or one that it signed, and with nothing else;
%% a server without one is not believed with what another server's pin has signed.
-module(mod_aiox_pins).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_opt_type/1, mod_doc/0]).
-export([s2s_in_auth_result/3, s2s_out_auth_result/2]).

%% After mod_s2s_dialback (50), which takes a failed EXTERNAL further.
-define(TURN, 90).

start(Host, Opts) ->
    load(Host, Opts),
    ejabberd_hooks:add(s2s_in_auth_result, Host, ?MODULE, s2s_in_auth_result, ?TURN),
    ejabberd_hooks:add(s2s_out_auth_result, Host, ?MODULE, s2s_out_auth_result, ?TURN),
    ok.

stop(Host) ->
    ejabberd_hooks:delete(s2s_in_auth_result, Host, ?MODULE, s2s_in_auth_result, ?TURN),
    ejabberd_hooks:delete(s2s_out_auth_result, Host, ?MODULE, s2s_out_auth_result, ?TURN),
    ok.

reload(Host, NewOpts, _OldOpts) ->
    load(Host, NewOpts).

depends(_Host, _Opts) -> [].

mod_options(_Host) -> [{file, <<"">>}].

mod_opt_type(file) -> econf:binary().

mod_doc() -> #{}.

%% Lines {Domain, Certificate in DER and base64}. A file that cannot be read stops the module, and with it the server.
load(Host, Opts) ->
    {ok, Lines} = file:consult(gen_mod:get_opt(file, Opts)),
    persistent_term:put({?MODULE, Host}, [{Domain, base64:decode(Text)} || {Domain, Text} <- Lines]),
    %% What was made of the list of authorities before is used again otherwise.
    fast_tls:clear_cache(),
    ok.

%% The name is taken back before the stream is ended: whatever becomes of that, nothing is taken in its name.
s2s_in_auth_result(#{auth_domains := Names} = State, true, Remote) ->
    case is_believed(State, Remote) of
        true -> State;
        false -> {stop, xmpp_stream_in:send(State#{auth_domains => sets:del_element(Remote, Names)}, refusal(Remote))}
    end;
s2s_in_auth_result(State, _, _Remote) ->
    State.

s2s_out_auth_result(#{remote_server := Remote} = State, true) ->
    case is_believed(State, Remote) of
        true -> State;
        false -> {stop, xmpp_stream_out:send(State, refusal(Remote))}
    end;
s2s_out_auth_result(State, _) ->
    State.

refusal(Remote) ->
    logger:warning("aiox: the certificate of ~ts is not the pinned one", [Remote]),
    xmpp:serr_not_authorized().

%% ejabberd goes on where a hook breaks; here that is a no.
is_believed(State, Remote) ->
    try judged(State, Remote) catch _:_ -> false end.

judged(#{server_host := Host, socket := Socket}, Remote) ->
    {Own, Others} = lists:partition(fun({Domain, _}) -> covers(Domain, Remote) end,
                                    persistent_term:get({?MODULE, Host}, [])),
    case {xmpp_socket:get_peer_certificate(Socket, der), Own} of
        {{ok, Shown}, []} -> not lists:any(fun(Pin) -> vouches(Pin, Shown) end, Others);
        {{ok, Shown}, _} -> lists:any(fun(Pin) -> vouches(Pin, Shown) end, Own);
        {_, _} -> Own =:= []
    end.

covers(Domain, Domain) -> true;
covers(Domain, Remote) ->
    lists:any(fun(Part) -> <<Part/binary, Domain/binary>> =:= Remote end,
              [<<"agents.">>, <<"conference.">>, <<"pubsub.">>, <<"upload.">>]).

vouches({_, Shown}, Shown) -> true;
vouches({_, Pin}, Shown) ->
    case catch public_key:pkix_path_validation(Pin, [Shown], []) of
        {ok, _} -> true;
        _ -> false
    end.
