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

/** See {@link slotLua}. */
export const nominatedLua = `core.register_action("nominated", {"http-req"}, function(txn)
  local headers = txn.http:req_get_headers()
  local lines = headers["connection"]
  if lines == nil then return end
  for _, line in pairs(lines) do
    for name in string.gmatch(line, "[^,%s]+") do
      local lower = string.lower(name)
      if lower ~= "content-length" and lower ~= "host" and lower ~= "upgrade" and lower ~= "connection" and lower ~= "te" and lower ~= "transfer-encoding" then
        txn.http:req_del_header(lower)
      end
    end
  end
end, 0)
`;
