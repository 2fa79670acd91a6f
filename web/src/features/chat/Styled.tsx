import { memo, useState } from "react";

import { useTexts } from "../../shared/i18n";
import { Copy } from "../../shared/ui/icons";
import { blocks, type Block, type Span } from "./styling";

/** A message's text with its styling. React writes it as text: nothing in it becomes HTML. */
export const Styled = memo(function Styled({ text }: { text: string }) {
  return <Blocks found={blocks(text)} />;
});

function Blocks({ found }: { found: Block[] }) {
  return found.map((block, at) => {
    if (block.kind === "code") return <Code key={at} text={block.text} language={block.language} />;
    if (block.kind === "quote") {
      return (
        <blockquote key={at}>
          <Blocks found={block.inside} />
        </blockquote>
      );
    }
    if (block.kind === "list") {
      const items = block.items.map((item, place) => (
        <li key={place}>
          <Spans found={item} />
        </li>
      ));
      return block.ordered ? <ol key={at}>{items}</ol> : <ul key={at}>{items}</ul>;
    }
    return (
      <p key={at}>
        {block.lines.map((line, place) => (
          <span key={place}>
            {place > 0 && <br />}
            <Spans found={line} />
          </span>
        ))}
      </p>
    );
  });
}

function Spans({ found }: { found: Span[] }) {
  return found.map((span, at) => {
    switch (span.kind) {
      case "text":
        return span.text;
      case "code":
        return <code key={at}>{span.text}</code>;
      case "link":
        return (
          <a key={at} href={span.href} target="_blank" rel="noopener noreferrer nofollow">
            {span.href}
          </a>
        );
      case "strong":
        return (
          <strong key={at}>
            <Spans found={span.inside} />
          </strong>
        );
      case "emphasis":
        return (
          <em key={at}>
            <Spans found={span.inside} />
          </em>
        );
      case "struck":
        return (
          <s key={at}>
            <Spans found={span.inside} />
          </s>
        );
    }
  });
}

function Code({ text, language }: { text: string; language: string }) {
  const texts = useTexts();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <figure className="code">
      <figcaption>
        <span>{language}</span>
        <button type="button" onClick={() => void copy()}>
          <Copy size={14} /> {copied ? texts.copied : texts.copy}
        </button>
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
