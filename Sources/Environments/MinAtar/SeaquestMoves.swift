/// How what swims in Seaquest moves in a step, in the order of the rules.
///
/// Every kind is gone through from the youngest to the oldest. When a swimmer goes because an older one is just like it, the younger one
/// takes a lower place and has a second turn: the rules have it so.
extension Seaquest {
    mutating func moveBullets(_ step: inout Step) {
        for index in stride(from: bullets.count &- 1, through: 0, by: -1) {
            var bullet = bullets[index]
            bullet.advance()
            bullets[index] = bullet
            if bullet.isOutside {
                bullets.removeFirst(like: index)
            } else if let hit = fish.firstIndex(where: { $0.isAt(bullet) }) {
                fish.remove(at: hit)
                bullets.removeFirst(like: index)
                step.reward += 1
            } else if let hit = enemySubmarines.firstIndex(where: { $0.isAt(bullet) }) {
                enemySubmarines.remove(at: hit)
                bullets.removeFirst(like: index)
                step.reward += 1
            }
        }
    }

    mutating func moveDivers() {
        for index in stride(from: divers.count &- 1, through: 0, by: -1) {
            if takeOnBoard(index) { continue }
            var diver = divers[index]
            if diver.moveTimer > 0 {
                diver.moveTimer &-= 1
                divers[index] = diver
                continue
            }
            diver.moveTimer = Self.diverMoveInterval
            diver.advance()
            divers[index] = diver
            if diver.isOutside { divers.removeFirst(like: index) } else { _ = takeOnBoard(index) }
        }
    }

    mutating func moveEnemySubmarines(_ step: inout Step) {
        for index in stride(from: enemySubmarines.count &- 1, through: 0, by: -1) {
            let place = Self.move(index, of: &enemySubmarines, submarine, moveInterval, &bullets, &step)
            // One that has just left or was hit still shoots.
            var shooter = place.swimmer
            if shooter.shotTimer == 0 {
                shooter.shotTimer = Self.enemyShotInterval
                enemyBullets.append(Swimmer(x: shooter.x, y: shooter.y, right: shooter.right))
            } else {
                shooter.shotTimer &-= 1
            }
            if let index = place.index { enemySubmarines[index] = shooter }
        }
    }

    mutating func moveEnemyBullets(_ step: inout Step) {
        for index in stride(from: enemyBullets.count &- 1, through: 0, by: -1) {
            var bullet = enemyBullets[index]
            if bullet.isAt(submarine) { step.terminated = true }
            bullet.advance()
            enemyBullets[index] = bullet
            if bullet.isOutside { enemyBullets.removeFirst(like: index) } else if bullet.isAt(submarine) { step.terminated = true }
        }
    }

    mutating func moveFish(_ step: inout Step) {
        for index in stride(from: fish.count &- 1, through: 0, by: -1) {
            _ = Self.move(index, of: &fish, submarine, moveInterval, &bullets, &step)
        }
    }

    /// Takes the diver on board if it is where the submarine is and there is room.
    @inline(__always)
    private mutating func takeOnBoard(_ index: Int) -> Bool {
        guard divers[index].isAt(submarine), diversOnBoard < Self.maxDivers else { return false }
        divers.removeFirst(like: index)
        diversOnBoard &+= 1
        return true
    }

    /// Moves an enemy when it is its time, into the player, a bullet or the water beyond the board as it may be.
    ///
    /// - Returns: the enemy, and where it is in its list now; nil if it has gone.
    @inline(__always)
    private static func move(
        _ index: Int, of enemies: inout SwimmerList, _ submarine: Swimmer, _ interval: Int8, _ bullets: inout SwimmerList,
        _ step: inout Step
    ) -> (swimmer: Swimmer, index: Int?) {
        var enemy = enemies[index]
        if enemy.isAt(submarine) { step.terminated = true }
        if enemy.moveTimer > 0 {
            enemy.moveTimer &-= 1
            enemies[index] = enemy
            return (enemy, index)
        }
        enemy.moveTimer = interval
        enemy.advance()
        enemies[index] = enemy
        if enemy.isOutside { return (enemy, enemies.removeFirst(like: index)) }
        if enemy.isAt(submarine) {
            step.terminated = true
        } else if let hit = bullets.firstIndex(where: { $0.isAt(enemy) }) {
            bullets.remove(at: hit)
            step.reward += 1
            return (enemy, enemies.removeFirst(like: index))
        }
        return (enemy, index)
    }
}
