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

-- "dropped at HOST: REASON", "delivered to PORT at HOST" or "consumed at HOST".
local function add_verdict(said, tree)
    local at, why = said:match("^dropped at (.*): ([%l%d_]+)$")
    if at then
        tree():add(verdict, "dropped")
        tree():add(reason, why)
        tree():add(host, at)
        return
    end
    local word, where = said:match("^(delivered) to .* at (.*)$")
    if not word then
        word, where = said:match("^(consumed) at (.*)$")
    end
    if word then
        tree():add(verdict, word)
        tree():add(host, where)
    end
end

local function add_comment(text, tree)
    local said = text:match("^frame %d+, .-: (.*)$")
    if not said then
        return
    end
    local clauses = {}
    for clause in (said .. "; "):gmatch("(.-); ") do
        clauses[#clauses + 1] = clause
    end
    add_verdict(clauses[1], tree)
    for at = 2, #clauses do
        local which = clauses[at]:match("^record (.*)$")
        if which then
            tree():add(record, which)
        end
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
