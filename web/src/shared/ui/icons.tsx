import type { ReactNode } from "react";

function icon(shape: ReactNode) {
  return function Icon({ size = 20 }: { size?: number }) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.75"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {shape}
      </svg>
    );
  };
}

export const Chat = icon(<path d="M4 5.5h16v11H10l-4.5 3.5v-3.5H4z" />);
export const Agents = icon(
  <>
    <rect x="4" y="8" width="16" height="11" rx="3" />
    <path d="M12 8V4.5M9 13v1.5M15 13v1.5" />
  </>,
);
export const Approve = icon(<path d="M12 3.5l7 3v5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9v-5zM9 12l2.2 2.2L15.5 10" />);
export const Govern = icon(<path d="M5 19V11M12 19V5M19 19v-6" />);
export const Person = icon(
  <>
    <circle cx="12" cy="8.5" r="3.5" />
    <path d="M5 19.5c1-3.5 3.7-5 7-5s6 1.500 7 5" />
  </>,
);
export const Send = icon(<path d="M5 12h13M12.500 6l6 6-6 6" />);
export const Back = icon(<path d="M14.500 6l-6 6 6 6" />);
export const Copy = icon(
  <>
    <rect x="8" y="8" width="12" height="12" rx="2.500" />
    <path d="M16 8V6.500A2.500 2.500 0 0013.500 4h-7A2.500 2.500 0 004 6.500v7A2.500 2.500 0 006.500 16H8" />
  </>,
);
export const Mark = icon(
  <>
    <path d="M12 3l8 4.500v9L12 21l-8-4.500v-9z" />
    <path d="M12 8.500l3.500 2v3.500L12 16l-3.500-2v-3.500z" fill="currentColor" />
  </>,
);
export const Paper = icon(<path d="M6.500 3.500h7l4 4v13h-11zM13 3.500V8h4.500" />);
export const Clip = icon(<path d="M19 11.500l-7.200 7.200a4.400 4.400 0 01-6.200-6.200l7.600-7.600a2.900 2.900 0 014.100 4.100l-7.500 7.500a1.400 1.400 0 01-2-2l6.700-6.700" />);
export const Drop = icon(<path d="M7 7l10 10M17 7L7 17" />);
