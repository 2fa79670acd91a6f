import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const hub = "http://127.0.0.1:8080";

// The hub's content security policy allows scripts and styles from itself only: nothing inline.
export default defineConfig({
  plugins: [react()],
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1", proxy: { "/v1": hub, "/readyz": hub, "/xmpp-websocket": { target: hub, ws: true } } },
});
