import { createContext, useContext } from "react";

import { en, type Texts } from "./en";

const Language = createContext<Texts>(en);

export const LanguageProvider = Language.Provider;

/** The texts in the language of the person. */
export function useTexts(): Texts {
  return useContext(Language);
}
