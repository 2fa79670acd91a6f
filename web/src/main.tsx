import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App";
import "./shared/tokens.css";
import "./shared/base.css";
import "./shared/ui.css";
import "./app/shell.css";
import { wear } from "./shared/theme";

wear();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
