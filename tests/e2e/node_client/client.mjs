// A device of @xmpp/client, an independent stack: lines of JSON in say what to send, lines of JSON out what came.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [modules, service, domain, username, token, resource] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { client } = await load("@xmpp/client");
const parse = (await load("@xmpp/xml/lib/parse.js")).default;

class OAuth2 {
  name = "X-OAUTH2";
  clientFirst = true;
  response(credentials) {
    return `\0${credentials.username}\0${credentials.password}`;
  }
  challenge() {
    return this;
  }
}
OAuth2.prototype.name = "X-OAUTH2";

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const xmpp = client({
  service,
  domain,
  resource,
  credentials: async (authenticate) => authenticate({ username, password: token }, "X-OAUTH2"),
});
xmpp.saslFactory.use(OAuth2);
xmpp.on("error", (error) => say({ event: "error", text: String(error) }));
xmpp.on("online", (jid) => say({ event: "online", text: jid.toString() }));
xmpp.on("stanza", (stanza) => say({ event: "stanza", text: stanza.toString() }));

async function act(asked) {
  if (asked.do === "send") await xmpp.send(parse(asked.text));
  else if (asked.do === "stop") {
    await xmpp.stop();
    process.exit(0);
  }
}

let last = Promise.resolve();
createInterface({ input: process.stdin }).on("line", (line) => {
  last = last.then(() => act(JSON.parse(line)));
});
await xmpp.start();
