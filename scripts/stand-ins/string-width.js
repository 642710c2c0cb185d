/** In the bundle in place of string-width: see cliui.js. */
export default (text) => text.length
