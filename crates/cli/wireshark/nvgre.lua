-- NVGRE for Wireshark and tshark: VSID and FlowID of any capture as fields, and what the comments of
-- `nvgre replay -w OUT.pcapng` say.
--
-- Install: copy this file to the folder "Personal Lua Plugins" that Help > About Wireshark > Folders
-- names (~/.local/lib/wireshark/plugins on Linux). Once: tshark -X lua_script:nvgre.lua ...
--
--   nvgre.vsid == 445566 && nvgre.verdict == "dropped"
--   nvgre.reason == "no_lookup_record" && nvgre.host == "Statler"
--
-- The grammar of the comments is documented in crates/sim/src/comment.rs.

local nvgre = Proto("nvgre", "Network Virtualization using GRE")

local vsid = ProtoField.uint24("nvgre.vsid", "VSID", base.DEC, nil, nil, "Virtual subnet id, of the GRE key")
local flow_id = ProtoField.uint8("nvgre.flow_id", "FlowID", base.DEC, nil, nil, "Entropy, of the GRE key")
local verdict = ProtoField.string("nvgre.verdict", "Verdict", base.UNICODE, "delivered, dropped or consumed")
local reason = ProtoField.string("nvgre.reason", "Reason", base.UNICODE, "Why it was dropped: nvgre codes")
local host = ProtoField.string("nvgre.host", "Host", base.UNICODE, "Where its walk ended")
local record = ProtoField.string("nvgre.record", "Record", base.UNICODE, "The lookup record that decided")
nvgre.fields = { vsid, flow_id, verdict, reason, host, record }

local gre_proto = Field.new("gre.proto")
local gre_key = Field.new("gre.key")
local frame_comment = Field.new("frame.comment")

local TRANSPARENT_ETHERNET_BRIDGING = 0x6558

-- Adds the keys of the tunnels that carry Ethernet. A key stands behind its protocol, or behind the
-- checksum between them; both have the place in one buffer.
local function add_keys(buffer, tree)
    local keys = { gre_key() }
    for _, proto in ipairs({ gre_proto() }) do
        for _, key in ipairs(keys) do
            local between = key.offset - proto.offset
            if proto.value == TRANSPARENT_ETHERNET_BRIDGING and (between == 2 or between == 6) then
                local bytes = key.range
                tree():add(vsid, bytes(0, 3))
                tree():add(flow_id, bytes(3, 1))
            end
        end
    end
end

-- The place behind what a text says at a place; nil where it says something else there.
local function past(text, at, what)
    if at and text:sub(at, at + #what - 1) == what then
        return at + #what
    end
    return nil
end

-- A name that begins here and the place behind it: quoted, or up to the first of what may follow it,
-- or else to the end.
local function name_at(text, at, ...)
    if text:sub(at, at) ~= '"' then
        local stop = #text + 1
        for _, follows in ipairs({ ... }) do
            stop = math.min(stop, text:find(follows, at, true) or stop)
        end
        return text:sub(at, stop - 1), stop
    end
    local parts = {}
    at = at + 1
    while at <= #text do
        local c = text:sub(at, at)
        if c == '"' then
            return table.concat(parts), at + 1
        end
        local code = text:match("^\\u(%x%x%x%x)", at)
        if code then
            code = tonumber(code, 16)
            -- Control characters are all that is written so; beyond ASCII they take two bytes.
            c = code < 128 and string.char(code) or string.char(194, code)
            at = at + 5
        elseif c == "\\" then
            at = at + 1
            c = text:sub(at, at)
        end
        parts[#parts + 1] = c
        at = at + 1
    end
    return nil
end

-- "dropped at HOST: REASON", "delivered to PORT at HOST" or "consumed at HOST"; the place behind it.
local function add_verdict(text, at, tree)
    local word = text:match("^%l+", at)
    local where, why
    local start = past(text, at, "dropped at ") or past(text, at, "consumed at ")
    if not start then
        local port = past(text, at, "delivered to ")
        local behind = port and select(2, name_at(text, port, " at "))
        start = past(text, behind, " at ")
    end
    if not start then
        return nil
    end
    where, at = name_at(text, start, word == "dropped" and ": " or "; ")
    if word == "dropped" then
        at = past(text, at, ": ")
        why = at and text:match("^[%l%d_]+", at)
        if not why then
            return nil
        end
        at = at + #why
        tree():add(reason, why)
    end
    if not where then
        return nil
    end
    tree():add(verdict, word)
    tree():add(host, where)
    return at
end

-- The place of the next "; " that is outside of quotes, or the end. Quotes stand in names alone.
local function clause_end(text, at)
    while at <= #text do
        local c = text:sub(at, at)
        if c == '"' then
            local _, stop = name_at(text, at)
            at = stop or #text + 1
        elseif past(text, at, "; ") then
            return at
        else
            at = at + 1
        end
    end
    return #text + 1
end

-- "record ADDRESS at PROVIDER-ADDRESS (FILE:LINE:COLUMN)", without its first word, FILE as it is called.
local function add_record(clause, tree)
    local start, stop = clause:find("^record .- %(")
    if not start then
        return
    end
    local head = clause:sub(#"record " + 1, stop)
    local rest = clause:sub(stop + 1)
    if rest:sub(1, 1) == '"' then
        local file, behind = name_at(rest, 1)
        rest = file and file .. rest:sub(behind) or rest
    end
    tree():add(record, head .. rest)
end

local function add_comment(text, tree)
    local at = text:match("^frame %d+, ()")
    if not at then
        return
    end
    local _
    _, at = name_at(text, at, " -> ")
    at = past(text, at, " -> ")
    if not at then
        return
    end
    _, at = name_at(text, at, ", ", ": ")
    at = at and (text:match("^, VSID %d+: ()", at) or past(text, at, ": "))
    at = at and add_verdict(text, at, tree)
    while past(text, at, "; ") do
        local start = past(text, at, "; ")
        at = clause_end(text, start)
        add_record(text:sub(start, at - 1), tree)
    end
end

function nvgre.dissector(buffer, _, root)
    local subtree
    -- What has nothing to show gets no line of its own.
    local function tree()
        subtree = subtree or root:add(nvgre)
        return subtree
    end
    add_keys(buffer, tree)
    for _, comment in ipairs({ frame_comment() }) do
        add_comment(comment.value, tree)
    end
end

register_postdissector(nvgre)
