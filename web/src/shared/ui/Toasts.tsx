import { createContext, useCallback, useContext, useState, type ReactNode } from "react";

const SHOWN_MS = 5000;

const Context = createContext<(words: string) => void>(() => undefined);

/** Says something for a moment. */
export function useToast(): (words: string) => void {
  return useContext(Context);
}

export function Toasts({ children }: { children: ReactNode }) {
  const [said, setSaid] = useState<{ id: string; words: string }[]>([]);
  const say = useCallback((words: string) => {
    const id = crypto.randomUUID();
    setSaid((before) => [...before.slice(-2), { id, words }]);
    window.setTimeout(() => setSaid((before) => before.filter((one) => one.id !== id)), SHOWN_MS);
  }, []);
  return (
    <Context value={say}>
      {children}
      <div className="toasts" role="status">
        {said.map((one) => (
          <div key={one.id} className="toast">
            {one.words}
          </div>
        ))}
      </div>
    </Context>
  );
}
