export { default } from "../build/index.js";
export * from "../build/index.js";
