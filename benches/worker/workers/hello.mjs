// The least a worker can do: what the others' requests a second are a share of.
export default {
  fetch() {
    return new Response('{"success":true}', { headers: { "Content-Type": "application/json" } });
  },
};
