/** The element types of `@kitajs/html`, which it declares globally, under names that our own `JSX` does not shadow. */
/// <reference types="@kitajs/html/jsx.d.ts" />
export type Elements = JSX.IntrinsicElements
export type Tag = JSX.HtmlTag
