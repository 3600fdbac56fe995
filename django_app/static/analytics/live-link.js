/* One WebSocket that comes back by itself. EAlink.open(url, { message(m), state(name, details) }) -> { retry }.
   States: connecting, open, lost { since, at (next try, ms) }, over (signed out).
   Each message with a key is acknowledged as it arrives: the server sends the next one only then. */
const EAlink = (() => {
  "use strict";
  const FIRST = 500, LONGEST = 8000, PING = 10000, ANSWER = 8000, SESSION_OVER = 4401;

  function open(url, on) {
    let socket = null, tries = 0, next = 0, since = null, pinger = 0, deadline = 0, pinged = 0, trip = 0;

    function stop() {
      clearInterval(pinger);
      clearTimeout(deadline);
      clearTimeout(next);
      const old = socket;
      socket = null;
      if (!old) return;
      old.onmessage = old.onclose = null;
      old.onopen = () => old.close();
      if (old.readyState !== WebSocket.CONNECTING) old.close();   /* closing one that is not open yet is logged as an error */
    }

    /* A silent stream and a dead line look alike: ask, and take no answer as lost. */
    function ping() {
      pinged = performance.now();
      socket.send(JSON.stringify({ ping: Math.round(pinged) }));
      clearTimeout(deadline);
      deadline = setTimeout(lost, ANSWER);
    }

    function heard(event) {
      const message = JSON.parse(event.data);
      tries = 0;
      since = null;
      if (message.key) socket.send(JSON.stringify({ ack: message.key }));
      if (message.type !== "pong") return on.message(message, trip);
      clearTimeout(deadline);
      trip = performance.now() - pinged;
    }

    function opened() {
      on.state("open", {});
      ping();
      pinger = setInterval(ping, PING);
    }

    /* A refused handshake does not say why. The page's own address does: it leads to the sign-in where the session is over. */
    async function signedOut() {
      const answer = await fetch(location.href, { method: "HEAD", redirect: "manual", cache: "no-store" }).catch(() => null);
      return answer !== null && answer.type === "opaqueredirect";
    }

    async function lost(event) {
      stop();
      if (event?.code === SESSION_OVER || (tries > 0 && await signedOut())) return on.state("over", {});
      if (socket !== null) return undefined;   /* connected again while we asked */
      since ??= new Date();
      const wait = Math.min(LONGEST, FIRST * 2 ** tries) * (0.5 + Math.random() / 2);
      tries += 1;
      on.state("lost", { since, at: Date.now() + wait });
      next = setTimeout(connect, wait);
      return undefined;
    }

    function connect() {
      stop();
      if (!since) on.state("connecting", {});
      socket = new WebSocket(url);
      socket.onopen = opened;
      socket.onmessage = heard;
      socket.onclose = lost;
    }

    connect();
    addEventListener("online", () => { if (since) connect(); });
    addEventListener("pagehide", stop);
    addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
    return { retry: connect };
  }
  return { open };
})();
