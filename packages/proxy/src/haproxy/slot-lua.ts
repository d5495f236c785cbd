/** Of the wait between two looks at the map. */
const lookEveryMs = 20;

/**
 * What HAProxy can't say in its configuration: waiting while no slot is live, and dropping the headers that a client
 * names in Connection. Both run only for the requests that need them. `slots held` on the command line counts the waiting.
 */
export function slotLua(slotMap: string): string {
  return `local slots = Map.new(${JSON.stringify(slotMap)}, Map._str)
local held = 0

core.register_action("hold", {"http-req"}, function(txn, limit)
  local left = tonumber(limit)
  local live = slots:lookup("live")
  held = held + 1
  while live == "hold" and left > 0 do
    core.msleep(${lookEveryMs})
    left = left - ${lookEveryMs}
    live = slots:lookup("live")
  end
  held = held - 1
  txn:set_var("txn.live", live)
end, 1)

core.register_cli({"slots", "held"}, "slots held: requests that wait for a slot", function(applet)
  applet:send(tostring(held) .. "\\n")
end)
`;
}

/** Framing and routing are not a peer's to nominate away. */
const kept = ["content-length", "host", "upgrade", "connection", "te", "transfer-encoding"];

/** See {@link slotLua}. */
export const nominatedLua = `local kept = {${kept.map((name) => `["${name}"]=true`).join(", ")}}

local function drop(lines, del)
  if lines == nil then return end
  for _, line in pairs(lines) do
    for name in string.gmatch(line, "[^,%s]+") do
      local lower = string.lower(name)
      if not kept[lower] then del(lower) end
    end
  end
end

core.register_action("nominated", {"http-req"}, function(txn)
  drop(txn.http:req_get_headers()["connection"], function(name) txn.http:req_del_header(name) end)
end, 0)

core.register_action("nominated_response", {"http-res"}, function(txn)
  drop(txn.http:res_get_headers()["connection"], function(name) txn.http:res_del_header(name) end)
end, 0)
`;
