"use strict";
// What textual.js, loaded before this, does not know: where the websocket is, that files come from
// below /dashboard, and that the font has to be there before its letters are measured.
(() => {
  const files = location.origin + "/download/";
  const open = window.open.bind(window);
  window.open = (address) => {
    if (!address) return open(); // a link in the terminal: xterm.js names the address afterwards
    const url = new URL(address, location.href);
    if (url.href.startsWith(files)) {
      const link = document.createElement("a");
      link.href = "/dashboard" + url.pathname;
      link.download = "";
      document.body.append(link);
      link.click();
      link.remove();
    } else if (/^https?:$/.test(url.protocol)) {
      open(url.href, "_blank", "noopener");
    }
    return null;
  };

  const start = window.onload;
  window.onload = async (event) => {
    const terminal = document.getElementById("terminal");
    terminal.dataset.sessionWebsocketUrl =
      location.origin.replace(/^http/, "ws") + terminal.dataset.websocketPath;
    const styles = ["", "bold ", "italic ", "bold italic "];
    await Promise.allSettled(styles.map((s) => document.fonts.load(s + '16px "Roboto Mono"')));
    // textual.js speaks when it gets the focus: not before it is connected.
    const connecting = new MutationObserver(() => {
      if (!document.body.classList.contains("-loaded")) return;
      connecting.disconnect();
      document.querySelector(".xterm-helper-textarea").focus();
    });
    connecting.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    start.call(window, event);
  };
})();
